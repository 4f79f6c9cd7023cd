// What other people's tools make of the description: a linter without a word, and types that a session fits.
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Embedded.Tests.Outside;

[Trait("needs", "npm")]
public sealed class ClientTests : Lifetime, IDisposable
{
    readonly TemporaryFolder folder = new();
    HostProcess host = null!;

    protected override async Task StartAsync()
    {
        host = Add(await HostProcess.StartAsync(("PURSER_LEDGER", "memory")));
        Script.Copy("tests/clients", folder.Path);
        (await RunAsync("npm", "ci", "--no-audit", "--no-fund")).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "v1.json"), await host.Client.GetStringAsync("/openapi/v1.json"));
    }

    // After DisposeAsync, which ends the host.
    public void Dispose() => folder.Dispose();

    Task<Script> RunAsync(string program, params string[] arguments) => Script.RunAsync(folder.Path, new Dictionary<string, string>
    {
        ["PURSER_URL"] = host.Client.BaseAddress!.ToString().TrimEnd('/'), ["ACCOUNT"] = "clients", ["REDOCLY_TELEMETRY"] = "off",
        ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true",
    }, program, arguments);

    [Fact]
    public async Task The_description_pleases_a_linter_and_its_types_take_a_session_and_a_refusal()
    {
        var lint = await RunAsync("npx", "redocly", "lint", "v1.json", "--max-problems", "20");
        lint.Succeeded();
        Assert.DoesNotContain("warning", (lint.Output + lint.Errors).Replace("Deprecation warning", "", StringComparison.Ordinal),
            StringComparison.OrdinalIgnoreCase);
        (await RunAsync("npx", "openapi-typescript", "v1.json", "-o", "v1.d.ts")).Succeeded();
        (await RunAsync("npx", "tsc")).Succeeded();
        Assert.Equal("held 600 400\nrefused daily 600\nsettled 350 false\n", (await RunAsync("node", "out/session.js")).Succeeded());
    }
}
