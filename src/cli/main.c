/* Where the process starts: picks the command. */
int main(void)
{
    return 0;
}
