// `./run keys` as an operator types it, by the real script against a running host: keys are made, listed, rotated and revoked, and what is
// typed wrong is told.
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Spectre.Console;

namespace Purser.Embedded.Tests.Processes;

public sealed partial class KeysCommandTests : IDisposable
{
    const string admin = "the-first-key-of-all";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Keys_are_made_listed_rotated_and_revoked_by_the_script()
    {
        CopyScript();
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", Data), ("PURSER_ADMIN_KEY", admin));
        // The host says in its folder where it listens.
        Assert.Contains("No keys yet. Make one: ./run keys create", (await RunAsync("list")).Succeeded(), StringComparison.Ordinal);

        var said = (await RunAsync("create", "search team", "--rights", "hold,read", "--accounts", "search-*,find", "--days", "90",
            "--rate", "600/60")).Succeeded();
        var (id, first) = (KeyId().Match(said).Value, KeyText().Match(said).Value);
        Assert.StartsWith($"{id}  search team  active\nmay hold, read on search-*, find, until ", said, StringComparison.Ordinal);
        Assert.Contains("This is shown once.", said, StringComparison.Ordinal);
        var me = await MeAsync(host, first);
        Assert.Equal(id, me.GetProperty("id").GetString());
        Assert.Equal(600, me.GetProperty("rateLimit").GetProperty("requests").GetInt32());
        var lasts = me.GetProperty("expiresAt").GetDateTimeOffset() - DateTimeOffset.UtcNow;
        Assert.InRange(lasts, TimeSpan.FromDays(89), TimeSpan.FromDays(90));

        var made = Json(await RunAsync("create", "auditor", "--rights", "read", "--accounts", "*", "--json"));
        var (second, text) = (made.GetProperty("id").GetString()!, made.GetProperty("key").GetString()!);
        Assert.Equal("active", made.GetProperty("state").GetString());

        var lines = (await RunAsync("list")).Succeeded().TrimEnd().Split('\n');
        Assert.Equal(["id", "name", "state", "rights", "accounts", "expires", "last used"], Columns().Split(lines[0]));
        Assert.Equal(3, lines.Length);
        Assert.Matches($"^{id}  search team  active  hold, read  search-\\*, find  20", lines[1]);
        var listed = await RunAsync("list", "--json");
        Assert.Equal([id, second], Json(listed).GetProperty("items").EnumerateArray().Select(key => key.GetProperty("id").GetString()));

        said = (await RunAsync("rotate", id, "--overlap", "600")).Succeeded();
        var rotated = KeyText().Match(said).Value;
        Assert.NotEqual(first, rotated);
        Assert.Contains("The old text is taken until ", said, StringComparison.Ordinal);
        foreach (var taken in (string[])[first, rotated]) await MeAsync(host, taken);
        var again = await RunAsync("rotate", id, "--json");
        Assert.Equal(1, again.Code);
        Assert.Equal(1, Whole(again).GetProperty("exitCode").GetInt32());
        Assert.Contains("the key was rotated before", Whole(again).GetProperty("error").GetString(), StringComparison.Ordinal);

        Assert.StartsWith($"{id}  search team  revoked\n", (await RunAsync("revoke", id)).Succeeded(), StringComparison.Ordinal);
        foreach (var refused in (string[])[first, rotated]) Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(host, refused)).Code);
        // Once more is the same once more.
        Assert.Equal("revoked", Json(await RunAsync("revoke", id, "--json")).GetProperty("state").GetString());
        Assert.Equal("auditor", (await MeAsync(host, text)).GetProperty("name").GetString());
        foreach (var said2 in (string[])[.. lines, listed.Output])
            Assert.All((string[])[first, rotated, text], key => Assert.DoesNotContain(key, said2, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_typed_wrong_is_told_with_its_exit_code()
    {
        const int failed = 1, wrongUsage = 2, notReachable = 3;
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", Data), ("PURSER_ADMIN_KEY", admin)))
        {
            string[] create = ["create", "k", "--rights", "read", "--accounts", "*"];
            await TellsAsync(failed, "the host at ", "create", "k", "--rights", "reed", "--accounts", "*");
            await TellsAsync(failed, "rights[0]: must be one of check, hold, ", "create", "k", "--rights", "reed", "--accounts", "*");
            await TellsAsync(failed, "accounts: must name at least one", "create", "k", "--rights", "read");
            await TellsAsync(failed, "there is no tenant 'acme'", "create", "k", "--rights", "read", "--tenant", "acme");
            await TellsAsync(failed, "there is no key 'key-none'", "rotate", "key-none");
            await TellsAsync(failed, "there is no key 'key-none'", "revoke", "key-none");
            await TellsAsync(failed, "overlapSeconds: must be 0 to ", "rotate", "key-none", "--overlap", "-1");
            await TellsAsync(wrongUsage, null, "create", "k", "--accounts", "*");
            await TellsAsync(wrongUsage, null, [.. create, "--days", "0"]);
            await TellsAsync(wrongUsage, null, [.. create, "--rate", "often"]);
            await TellsAsync(wrongUsage, null, "revoke");
            await TellsAsync(wrongUsage, null, "delete", "key-none");
            // Nothing of all that made a key.
            Assert.Empty(JsonDocument.Parse(await SaysAsync(0, "list", "--json")).RootElement.GetProperty("items").EnumerateArray());
            await SaysAsync(notReachable, "list", "--key", "another");
            var refused = JsonDocument.Parse(await SaysAsync(notReachable, "list", "--key", "another", "--json")).RootElement;
            Assert.Contains("answers 401", refused.GetProperty("error").GetString(), StringComparison.Ordinal);
            Assert.Equal(notReachable, refused.GetProperty("exitCode").GetInt32());
        }
        // Nobody has the folder, so there is nobody to ask.
        await TellsAsync(notReachable, "keys are changed through a running host: start it with ./run, or name it with --url", "list");
        await TellsAsync(notReachable, "can not be reached", "list", "--url", $"http://127.0.0.1:{ServerProcess.FreePort()}");
    }

    async Task TellsAsync(int code, string? what, params string[] arguments)
    {
        var said = await SaysAsync(code, arguments);
        if (what is not null) Assert.Contains(what, said, StringComparison.Ordinal);
    }

    /// <summary>The command in this process: it is the script that takes time, and its way is gone above.</summary>
    async Task<string> SaysAsync(int code, params string[] arguments)
    {
        using var screen = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(screen), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No,
        });
        string[] key = arguments.Contains("--key") ? [] : ["--key", admin];
        var exit = await Api.CommandLine.RunAsync(["keys", .. arguments, "--data", Data, .. code == 2 ? [] : key], _ => throw new
            InvalidOperationException("no host was asked for"), console);
        Assert.True(exit == code, $"keys {string.Join(' ', arguments)}: {exit} {screen}");
        return screen.ToString();
    }

    string Data => Path.Combine(folder.Path, "data");

    /// <summary>The script as in the repository, and the host that these tests were built with in the place of the one that it would
    /// build.</summary>
    void CopyScript()
    {
        foreach (var script in (string[])["run", "deploy/sdk.sh"])
        {
            var to = Path.Combine(folder.Path, script);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(Path.Combine(Script.Root, script), to);
        }
        foreach (var source in (string[])["src", "pricing"]) Directory.CreateDirectory(Path.Combine(folder.Path, source));
        var built = Directory.CreateDirectory(Path.Combine(folder.Path, "artifacts/bin/Api/release"));
        File.CreateSymbolicLink(Path.Combine(built.FullName, "purser"), HostProcess.Program);
        File.WriteAllText(Path.Combine(folder.Path, "artifacts/run.stamp"), "");
    }

    Task<Script> RunAsync(params string[] arguments) => Script.RunAsync(folder.Path,
        new Dictionary<string, string> { ["PURSER_DATA"] = Data, ["PURSER_ADMIN_KEY"] = admin, ["PURSER_LEDGER"] = "sqlite" },
        "/bin/bash", [Path.Combine(folder.Path, "run"), "keys", .. arguments]);

    static JsonElement Json(Script ended) => JsonDocument.Parse(ended.Succeeded()).RootElement;

    static JsonElement Whole(Script ended) => JsonDocument.Parse(ended.Output).RootElement;

    static async Task<(HttpStatusCode Code, string Text)> AskAsync(HostProcess host, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await host.Client.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    static async Task<JsonElement> MeAsync(HostProcess host, string key)
    {
        var (code, text) = await AskAsync(host, key);
        Assert.True(code == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }

    [GeneratedRegex("key-[0-9a-f]{20}")]
    internal static partial Regex KeyId();

    [GeneratedRegex("purser_[0-9A-Za-z]{36}")]
    internal static partial Regex KeyText();

    [GeneratedRegex(" {2,}")]
    internal static partial Regex Columns();
}
