// `mcp`: the tools for agents over standard input and output, for clients that start their servers. It hands them on to a running host.
using System.CommandLine;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Purser.Api;

static class McpCommand
{
    /// <summary>The variable of the key: arguments can be read by everybody on the machine.</summary>
    const string KeyVariable = "PURSER_KEY";

    public static Command Build()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Where the host listens; http://127.0.0.1:8080 where it is not said.", DefaultValueFactory = _ =>
                new("http://127.0.0.1:8080"),
            CustomParser = CommandLine.Read(CommandLine.WebAddress, "an http:// or https:// address"),
        };
        var keyFile = new Option<string?>("--key-file")
        {
            Description = $"A file with the key that the host wants, in place of {KeyVariable}.", HelpName = "FILE",
        };
        var command = new Command("mcp", "Offer the tools for agents of a running host over standard input and output (Model Context "
            + "Protocol), for clients that start their servers. Exit code 3: the host can not be reached.") { url, keyFile };
        command.SetAction(async (parsed, cancellation) =>
        {
            try
            {
                var key = parsed.GetValue(keyFile) is { } file ? (await File.ReadAllTextAsync(file, cancellation)).Trim()
                    : Environment.GetEnvironmentVariable(KeyVariable);
                await RunAsync(parsed.GetValue(url)!, key, cancellation);
                return ExitCodes.Done;
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException or UnauthorizedAccessException)
            {
                // Standard output belongs to the protocol.
                await Console.Error.WriteLineAsync($"purser: {Why(parsed.GetValue(url)!, fault)}");
                return ExitCodes.NotReachable;
            }
            catch (OperationCanceledException)
            {
                return ExitCodes.Done;
            }
        });
        return command;
    }

    static async Task RunAsync(Uri url, string? key, CancellationToken cancellation)
    {
        await using var host = await McpClient.CreateAsync(new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new(url.AbsoluteUri.TrimEnd('/') + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = key is { Length: > 0 } ? new Dictionary<string, string> { ["Authorization"] = "Bearer " + key } : null,
        }), cancellationToken: cancellation);
        var options = new McpServerOptions
        {
            ServerInfo = host.ServerInfo, ServerInstructions = host.ServerInstructions, Capabilities = new() { Tools = new() },
            Handlers = new()
            {
                ListToolsHandler = async (_, stopping) => new()
                {
                    Tools = [.. (await host.ListToolsAsync(cancellationToken: stopping)).Select(tool => tool.ProtocolTool)],
                },
                CallToolHandler = (request, stopping) => CallAsync(host, url, request.Params, stopping),
            },
        };
        await using var input = new StdioServerTransport(options);
        await using var server = McpServer.Create(input, options);
        await server.RunAsync(cancellation);
    }

    static async ValueTask<CallToolResult> CallAsync(McpClient host, Uri url, CallToolRequestParams asked, CancellationToken cancellation)
    {
        try
        {
            return await host.CallToolAsync(new CallToolRequestParams { Name = asked.Name, Arguments = asked.Arguments }, cancellation);
        }
        catch (HttpRequestException away)
        {
            // An agent reads why, and may ask again: nothing was booked.
            return new() { IsError = true, Content = [new TextContentBlock { Text = Why(url, away) }] };
        }
    }

    static string Why(Uri url, Exception fault) => fault switch
    {
        HttpRequestException { StatusCode: System.Net.HttpStatusCode.Unauthorized } =>
            $"the host at {url} asks for a key: give it in {KeyVariable}, or with --key-file",
        HttpRequestException { StatusCode: { } status } => $"the host at {url} answers {(int)status}: is it a host of this version?",
        HttpRequestException => $"the host at {url} can not be reached: {StartProblems.OneLine(fault.Message)}",
        _ => StartProblems.OneLine(fault.Message),
    };
}
