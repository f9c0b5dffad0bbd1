// Runs calls with the AWS SDK for Go. Argument: the endpoint. test_sdks.py describes the lines that
// it reads and writes.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/appflow"
	"github.com/aws/aws-sdk-go-v2/service/appflow/types"
)

func newClient(endpoint string) *appflow.Client {
	attempts, _ := strconv.Atoi(os.Getenv("AWS_MAX_ATTEMPTS")) // 0: the SDK's default
	return appflow.New(appflow.Options{
		BaseEndpoint:     aws.String(endpoint),
		Region:           os.Getenv("AWS_REGION"),
		RetryMaxAttempts: attempts,
		HTTPClient:       &http.Client{},
		Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{
					AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
					SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				}, nil
			}),
	})
}

func amplitude(apiKey, secretKey string) *types.ConnectorProfileConfig {
	return &types.ConnectorProfileConfig{
		ConnectorProfileProperties: &types.ConnectorProfileProperties{
			Amplitude: &types.AmplitudeConnectorProfileProperties{},
		},
		ConnectorProfileCredentials: &types.ConnectorProfileCredentials{
			Amplitude: &types.AmplitudeConnectorProfileCredentials{
				ApiKey: &apiKey, SecretKey: &secretKey,
			},
		},
	}
}

func create(client *appflow.Client, name, apiKey, secretKey string) ([]string, error) {
	output, err := client.CreateConnectorProfile(context.Background(),
		&appflow.CreateConnectorProfileInput{
			ConnectorProfileName:   &name,
			ConnectorType:          types.ConnectorTypeAmplitude,
			ConnectionMode:         types.ConnectionModePublic,
			ConnectorProfileConfig: amplitude(apiKey, secretKey),
		})
	if err != nil {
		return nil, err
	}
	return []string{*output.ConnectorProfileArn}, nil
}

func update(client *appflow.Client, name, apiKey, secretKey string) ([]string, error) {
	output, err := client.UpdateConnectorProfile(context.Background(),
		&appflow.UpdateConnectorProfileInput{
			ConnectorProfileName:   &name,
			ConnectionMode:         types.ConnectionModePublic,
			ConnectorProfileConfig: amplitude(apiKey, secretKey),
		})
	if err != nil {
		return nil, err
	}
	return []string{*output.ConnectorProfileArn}, nil
}

func pages(client *appflow.Client) ([]string, error) {
	found := []string{}
	paginator := appflow.NewDescribeConnectorProfilesPaginator(
		client, &appflow.DescribeConnectorProfilesInput{})
	for paginator.HasMorePages() {
		output, err := paginator.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		names := make([]string, 0, len(output.ConnectorProfileDetails))
		for _, each := range output.ConnectorProfileDetails {
			names = append(names, *each.ConnectorProfileName)
		}
		found = append(found, strings.Join(names, " "))
	}
	return found, nil
}

func run(client *appflow.Client, words []string) ([]string, error) {
	switch {
	case words[0] == "create" && len(words) == 4:
		return create(client, words[1], words[2], words[3])
	case words[0] == "update" && len(words) == 4:
		return update(client, words[1], words[2], words[3])
	case words[0] == "delete" && len(words) == 2:
		_, err := client.DeleteConnectorProfile(context.Background(),
			&appflow.DeleteConnectorProfileInput{ConnectorProfileName: &words[1]})
		return nil, err
	case words[0] == "pages" && len(words) == 1:
		return pages(client)
	}
	return nil, fmt.Errorf("there is no command %s of %d words", words[0], len(words))
}

// The SDK's own type in the chain of an error, or "untyped", and the answer's status and request
// ID.
func describe(err error) []string {
	name := "untyped"
	own := reflect.TypeOf(types.ConflictException{}).PkgPath()
	for each := err; each != nil; each = errors.Unwrap(each) {
		kind := reflect.TypeOf(each)
		if kind.Kind() == reflect.Pointer && kind.Elem().PkgPath() == own {
			name = kind.Elem().Name()
		}
	}
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return []string{"error", name, "0", "", err.Error()}
	}
	return []string{"error", name, strconv.Itoa(response.HTTPStatusCode()),
		response.ServiceRequestID(), err.Error()}
}

func main() {
	client := newClient(os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		outcome, err := run(client, strings.Split(lines.Text(), "\t"))
		if err != nil {
			outcome = describe(err)
		} else {
			outcome = append([]string{"ok"}, outcome...)
		}
		fmt.Println(strings.ReplaceAll(strings.Join(outcome, "\t"), "\n", " "))
	}
}
