// Runs calls with the AWS SDK for Java. Argument: the endpoint. test_sdks.py describes the lines
// that it reads and writes.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.appflow.AppflowClient;
import software.amazon.awssdk.services.appflow.model.AppflowException;
import software.amazon.awssdk.services.appflow.model.ConnectionMode;
import software.amazon.awssdk.services.appflow.model.ConnectorProfile;
import software.amazon.awssdk.services.appflow.model.ConnectorProfileConfig;
import software.amazon.awssdk.services.appflow.model.ConnectorType;
import software.amazon.awssdk.services.appflow.model.DescribeConnectorProfilesResponse;

final class Appflow {
    private final AppflowClient client;

    private Appflow(String endpoint) {
        client = AppflowClient.builder().endpointOverride(URI.create(endpoint)).build();
    }

    private static ConnectorProfileConfig amplitude(String apiKey, String secretKey) {
        return ConnectorProfileConfig.builder()
                .connectorProfileProperties(each -> each.amplitude(empty -> { }))
                .connectorProfileCredentials(each -> each.amplitude(
                        keys -> keys.apiKey(apiKey).secretKey(secretKey)))
                .build();
    }

    private List<String> create(String name, String apiKey, String secretKey) {
        return List.of(client.createConnectorProfile(each -> each
                .connectorProfileName(name)
                .connectorType(ConnectorType.AMPLITUDE)
                .connectionMode(ConnectionMode.PUBLIC)
                .connectorProfileConfig(amplitude(apiKey, secretKey))).connectorProfileArn());
    }

    private List<String> update(String name, String apiKey, String secretKey) {
        return List.of(client.updateConnectorProfile(each -> each
                .connectorProfileName(name)
                .connectionMode(ConnectionMode.PUBLIC)
                .connectorProfileConfig(amplitude(apiKey, secretKey))).connectorProfileArn());
    }

    private List<String> delete(String name) {
        client.deleteConnectorProfile(each -> each.connectorProfileName(name));
        return List.of();
    }

    private static String names(DescribeConnectorProfilesResponse page) {
        return page.connectorProfileDetails().stream()
                .map(ConnectorProfile::connectorProfileName).collect(Collectors.joining(" "));
    }

    private List<String> pages() {
        return client.describeConnectorProfilesPaginator(each -> { }).stream()
                .map(Appflow::names).collect(Collectors.toList());
    }

    private List<String> run(String[] words) {
        return switch (words[0]) {
            case "create" -> create(words[1], words[2], words[3]);
            case "update" -> update(words[1], words[2], words[3]);
            case "delete" -> delete(words[1]);
            case "pages" -> pages();
            default -> throw new IllegalArgumentException("there is no command " + words[0]);
        };
    }

    private static String describe(AppflowException error) {
        Class<?> type = error.getClass(); // a modelled error has a class below the service's own
        String name = type == AppflowException.class ? "untyped" : type.getSimpleName();
        return String.join("\t", "error", name, String.valueOf(error.statusCode()),
                error.requestId(), error.getMessage());
    }

    private String outcome(String line) {
        try {
            List<String> found = run(line.split("\t"));
            return found.isEmpty() ? "ok" : "ok\t" + String.join("\t", found);
        } catch (AppflowException error) {
            return describe(error);
        }
    }

    public static void main(String[] arguments) throws IOException {
        Appflow appflow = new Appflow(arguments[0]);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(appflow.outcome(line).replace('\n', ' '));
        }
    }
}
