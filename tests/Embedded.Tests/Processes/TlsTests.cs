// TLS by the server itself: the real program with a certificate in files, renewed while it runs, and commands that go through it.
using System.Diagnostics;
using System.Security.Authentication;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class TlsTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly TestAuthority authority;

    public TlsTests() => authority = new(folder.Path);

    public void Dispose()
    {
        authority.Dispose();
        folder.Dispose();
    }

    Task<HostProcess> StartAsync((string Certificate, string Key) files, Action<string>? said = null) => HostProcess.StartAsync(
        [("PURSER_DATA", Path.Combine(folder.Path, "data")), ("PURSER_URLS", "https://127.0.0.1:0"),
            ("PURSER_TLS_CERTIFICATE", files.Certificate), ("PURSER_TLS_KEY", files.Key)], said);

    HttpClient Client(HostProcess host, HttpClientHandler? handler = null) =>
        new(handler ?? authority.Trusting()) { BaseAddress = host.Client.BaseAddress };

    [Fact]
    public async Task Answers_come_by_tls_with_the_whole_chain_and_ask_browsers_to_stay_with_it()
    {
        await using var host = await StartAsync(authority.Issue());
        using var client = Client(host);
        using var asked = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        using var answer = await client.SendAsync(asked);
        Assert.Equal(200, (int)answer.StatusCode);
        // Names of this machine are shared with other programs.
        Assert.False(answer.Headers.Contains("Strict-Transport-Security"));
        using var named = new HttpRequestMessage(HttpMethod.Get, "/health/live") { Headers = { Host = "purser.example" } };
        using var told = await client.SendAsync(named);
        Assert.Equal(["max-age=31536000"], told.Headers.GetValues("Strict-Transport-Security"));

        using var strange = Client(host, new());
        await Assert.ThrowsAsync<HttpRequestException>(() => strange.GetAsync(new Uri("/health/live", UriKind.Relative)));
        using var old = Client(host, Speaking(SslProtocols.Tls12));
        using var still = await old.GetAsync(new Uri("/health/live", UriKind.Relative));
        Assert.Equal(200, (int)still.StatusCode);

        HttpClientHandler Speaking(SslProtocols protocols)
        {
            var handler = authority.Trusting();
            handler.SslProtocols = protocols;
            return handler;
        }
    }

    [Fact]
    public async Task A_renewed_certificate_is_served_without_a_restart_and_an_unusable_one_is_not()
    {
        var said = new List<string>();
        var files = authority.Issue();
        await using var host = await StartAsync(files, line => { lock (said) said.Add(line); });
        var first = await ServedAsync(host);
        var kept = await File.ReadAllTextAsync(files.Certificate);

        await File.WriteAllTextAsync(files.Certificate, "half a certif");
        await ServerProcess.UntilAsync(async () => await ServedAsync(host) == first && Said("can not be used"),
            () => "nothing is said of a file that can not be used");
        await File.WriteAllTextAsync(files.Certificate, kept);
        authority.Issue(files.Certificate, files.Key, "purser");
        await ServerProcess.UntilAsync(async () => await ServedAsync(host) != first, () => "the renewed certificate is not served");

        bool Said(string what)
        {
            lock (said) return said.Exists(line => line.Contains(what, StringComparison.Ordinal));
        }
    }

    /// <summary>The fingerprint of what a new connection is served.</summary>
    async Task<string> ServedAsync(HostProcess host)
    {
        var served = "";
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, shown, _, _) =>
            {
                served = shown!.GetCertHashString();
                return true;
            },
        };
        using var client = Client(host, handler);
        using var answer = await client.GetAsync(new Uri("/health/live", UriKind.Relative));
        return served;
    }

    [Fact]
    public async Task Commands_go_through_a_host_with_a_certificate_of_its_own_and_through_no_other()
    {
        var files = authority.Issue("somewhere");
        await using var host = await StartAsync(files);
        Assert.Equal((0, true), await VerifyAsync(files.Certificate));
        Assert.Equal((3, false), await VerifyAsync(authority.Issue("other").Certificate));
        Assert.Equal((3, false), await VerifyAsync(null));

        async Task<(int Code, bool Holds)> VerifyAsync(string? certificate)
        {
            var start = new ProcessStartInfo(HostProcess.Program, ["verify", "--data", Path.Combine(folder.Path, "data")])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            };
            if (certificate is not null)
                (start.Environment["PURSER_TLS_CERTIFICATE"], start.Environment["PURSER_TLS_KEY"]) =
                    (certificate, Path.ChangeExtension(certificate, "key"));
            using var process = ServerProcess.Start(start);
            var said = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, said.Contains("all holds", StringComparison.Ordinal));
        }
    }
}
