// kill -9 of the embedded host with its gate in the middle of streams: see GateKill.
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Processes;

public sealed class GateKillTests
{
    [Fact]
    public async Task Calls_of_a_gate_that_was_killed_are_charged_or_released_by_their_rule_and_nothing_is_booked_twice()
    {
        using var folder = new TemporaryFolder();
        await using var provider = await ProviderStandIn.StartAsync();
        var routes = Path.Combine(folder.Path, "routes.json");
        await File.WriteAllTextAsync(routes,
            $$"""{"routes":[{"name":"openai","protocol":"openai","provider":"openai","upstream":"{{provider.Url}}","key":"stand-in"}]}""");
        (string, string)[] settings = [("PURSER_DATA", Path.Combine(folder.Path, "data")), ("PURSER_GATE_ROUTES", routes),
            ("PURSER_GATE_KEYS", ProviderStandIn.Keys)];
        var host = await HostProcess.StartAsync(settings);
        try
        {
            await new GateKill(provider, "/gate/openai/v1/chat/completions", () => host.Client, () => host.Client).RunAsync(async () =>
            {
                await host.KillAsync();
                await host.DisposeAsync();
                host = await HostProcess.StartAsync(settings);
            });
        }
        finally
        {
            await host.DisposeAsync();
        }
    }
}
