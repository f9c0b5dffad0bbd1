// Writes the certificates of a PEM file into a trust store for Java. Arguments: the PEM file, the
// trust store and its password. Java has a trust store of its own, which lacks an authority that was
// only added to the system's bundle, such as that of a company's proxy.

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

final class TrustStore {
    private TrustStore() {
    }

    public static void main(String[] arguments) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream bundle = Files.newInputStream(Path.of(arguments[0]))) {
            int number = 0;
            for (Certificate each
                    : CertificateFactory.getInstance("X.509").generateCertificates(bundle)) {
                store.setCertificateEntry("authority-" + number++, each);
            }
        }
        try (OutputStream output = Files.newOutputStream(Path.of(arguments[1]))) {
            store.store(output, arguments[2].toCharArray());
        }
    }
}
