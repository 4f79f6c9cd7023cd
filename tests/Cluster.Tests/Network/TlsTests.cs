// Mutual TLS of a cluster of real processes: members work, whoever is none is refused with a line, secrets come from files.
using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using Purser.Conformance.Servers;
using Purser.Conformance;

namespace Purser.Cluster.Tests.Network;

public sealed class TlsTests : Lifetime, IDisposable
{
    readonly string clusterId = "tls-" + Guid.NewGuid().ToString("N");
    readonly string folder = ServerProcess.NewFolder("tls");
    readonly TestAuthority authority;
    readonly TestAuthority others;
    string redis = "";
    string postgres = "";

    public TlsTests() => (authority, others) = (new(folder), new(folder, "Somebody else"));

    protected override async Task StartAsync()
    {
        redis = (await RedisServer.SharedAsync()).ConnectionString;
        postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
    }

    public void Dispose()
    {
        authority.Dispose();
        others.Dispose();
        ServerProcess.DeleteFolder(folder);
    }

    (string Name, string Value)[] Member(TestAuthority? of = null) => Files((of ?? authority).Issue("node"), authority.RootFile);

    static (string Name, string Value)[] Files((string Certificate, string Key) own, string root) =>
        [("PURSER_PEER_CERTIFICATE", own.Certificate), ("PURSER_PEER_KEY", own.Key), ("PURSER_PEER_AUTHORITY", root)];

    SiloProcess Silo(params (string Name, string Value)[] more) => Add(SiloProcess.Start(postgres, redis, clusterId,
        [SiloProcess.Patient, .. more]));

    string Secret(string name, string text)
    {
        var file = Path.Combine(folder, name);
        File.WriteAllText(file, text + "\n");
        return file;
    }

    [Fact]
    public async Task Members_work_together_and_whoever_is_none_is_refused_with_a_line()
    {
        // Two silos and an api, whose secrets are in files, and nowhere else.
        const string canary = "Canary-51c7";
        (string, string)[] secrets =
        [
            ("PURSER_POSTGRES", ""), ("PURSER_POSTGRES_FILE", Secret("pg", postgres + $";Passfile=/tmp/{canary}")),
            ("PURSER_REDIS", ""), ("PURSER_REDIS_FILE", Secret("redis", redis + $",name={canary}")), ("PURSER_LOG", "information"),
        ];
        var (one, two) = (Silo([.. Member(), .. secrets]), Silo([.. Member(), .. secrets]));
        await Task.WhenAll(one.ReadyAsync(), two.ReadyAsync());
        await ServerProcess.UntilAsync(async () => await one.SilosAsync() == 2, () => "no two silos");
        // Its front by TLS too.
        var front = authority.Issue("front", "server");
        var address = $"https://127.0.0.1:{ServerProcess.FreePort()}";
        var api = Add(SiloProcess.StartApi(redis, clusterId, "", [.. Member(), ("PURSER_ADMIN_KEY_FILE", Secret("key", canary)),
            ("PURSER_TLS_CERTIFICATE", front.Certificate), ("PURSER_TLS_KEY", front.Key), ("PURSER_METRICS_URLS", address)]));
        await api.ReadyAsync();
        using var client = new HttpClient { BaseAddress = api.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", canary);
        for (var i = 0; i < 20; i++)
        {
            using var held = await client.PostAsJsonAsync($"/v1/accounts/a-{i}/reservations", new { id = "r", tokens = 5 });
            Assert.Equal(201, (int)held.StatusCode);
        }
        using (var metrics = new HttpClient(authority.Trusting()) { BaseAddress = new(address) })
            Assert.DoesNotContain(canary, await metrics.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
        Assert.DoesNotContain(canary, one.Log + two.Log + api.Log, StringComparison.Ordinal);

        // A silo that another authority vouches for.
        var strange = Silo(Files(others.Issue("stranger"), others.RootFile));
        await one.SaysAsync("is not one of the authority");
        Assert.Contains("TLS: refused a connection from", one.Log, StringComparison.Ordinal);
        // And one that has no certificate.
        var bare = Silo();
        await one.SaysAsync("it showed no certificate, does not speak TLS");
        await ServerProcess.UntilAsync(async () => await one.SilosAsync() == 2, () => "the silo does not know just the other one");
        Assert.Equal(0, await strange.SilosAsync() + await bare.SilosAsync());
        await strange.SaysAsync("TLS: gave up a connection to");

        // Nothing is answered to a client of TLS without a certificate.
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", one.Port);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, shown, _, _) => shown is not null);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await tls.AuthenticateAsClientAsync("purser");
            await tls.WriteAsync(new byte[64]);
            if (await tls.ReadAsync(new byte[1]) == 0) throw new IOException("closed");
        });
    }

    [Fact]
    public async Task A_service_beside_the_silos_shows_a_certificate_too()
    {
        var silo = Silo(Member());
        await silo.ReadyAsync();
        Assert.Equal((0, ""), await CohostedAsync(Member()));
        var (code, errors) = await CohostedAsync([]);
        Assert.Equal(1, code);
        Assert.Contains("where silos have PURSER_PEER_CERTIFICATE, Tls must be set", errors, StringComparison.Ordinal);
        (code, errors) = await CohostedAsync(Files(others.Issue("stranger"), authority.RootFile));
        Assert.Equal(1, code);
        Assert.Contains("PURSER_PEER_CERTIFICATE", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificates_that_other_nodes_would_refuse_are_told_at_the_start()
    {
        Assert.Contains("is not one of the authority", await FailAsync(Member(others)), StringComparison.Ordinal);
        Assert.Contains("not for clients", await FailAsync(Files(authority.Issue("half", "server"), authority.RootFile)),
            StringComparison.Ordinal);
        Assert.Contains("PURSER_PEER_KEY is needed with the other PURSER_PEER_ settings",
            await FailAsync([("PURSER_PEER_CERTIFICATE", "x"), ("PURSER_PEER_AUTHORITY", "y")]), StringComparison.Ordinal);
        var (mine, another) = (authority.Issue("mine"), authority.Issue("another"));
        Assert.Contains("can not be used with the key in", await FailAsync(Files((mine.Certificate, another.Key), authority.RootFile)),
            StringComparison.Ordinal);
    }

    async Task<string> FailAsync((string Name, string Value)[] settings)
    {
        var (code, said) = await RunAsync("purser-silo",
            [.. settings, ("PURSER_ROLE", "silo"), ("PURSER_REDIS", redis), ("PURSER_POSTGRES", postgres)]);
        Assert.Equal(2, code);
        return said;
    }

    Task<(int Code, string Errors)> CohostedAsync((string Name, string Value)[] settings) => RunAsync("purser-cohosted",
        [.. settings, ("PURSER_REDIS", redis), ("PURSER_CLUSTER_ID", clusterId)], "20");

    static async Task<(int Code, string Errors)> RunAsync(string program, (string Name, string Value)[] settings, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, program), arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["PURSER_URLS"] = "http://127.0.0.1:0";
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = ServerProcess.Start(start);
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        return (process.ExitCode, errors);
    }
}
