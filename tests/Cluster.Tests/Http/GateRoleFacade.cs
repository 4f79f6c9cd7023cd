// The gate as a role of its own in front of silos: what is asked of the gate goes to its process, everything else to the api beside it.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Http;

[CollectionDefinition(Name)]
public sealed class GateRoleHttpTests : ICollectionFixture<GateRoleFacade>
{
    public const string Name = "http of a gate by itself";
}

public sealed class GateRoleFacade : ClusterFacade
{
    public const string Admin = "the first key of all";

    string key = "";

    internal SiloProcess Api { get; private set; } = null!;

    internal SiloProcess Gate { get; private set; } = null!;

    public override Uri GateAddress => Gate.Address;

    public override string? GateKey => key;

    protected override async Task StartAsync()
    {
        var clusterId = "gate-" + Guid.NewGuid().ToString("N");
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var database = await NewDatabaseAsync();
        var silos = Enumerable.Range(0, 2).Select(_ => Add(SiloProcess.Start(database, redis, clusterId, SiloProcess.Patient))).ToList();
        Api = Add(SiloProcess.StartApi(redis, clusterId, Admin));
        Gate = Add(SiloProcess.StartGate(redis, clusterId));
        await Task.WhenAll(silos.Append(Api).Append(Gate).Select(node => node.ReadyButForTheClockAsync()));
        using var operating = Operating();
        var made = await operating.PostAsJsonAsync("/v1/keys",
            new { name = "callers", rights = new[] { "read", "check", "hold", "record" }, accounts = new[] { "*" } });
        key = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString()!;
        Client = Add(AnswerCheck.ClientOf(Api.Address, new Way(this, showsKeys: true)));
    }

    /// <summary>The api, asked with the first key.</summary>
    internal HttpClient Operating() => new(new Way(this, showsKeys: true)) { BaseAddress = Api.Address };

    /// <summary>Both ask for keys as they are: who asks shows one, or none.</summary>
    public override Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings)
    {
        if (key != Admin || settings.Length > 0) throw new NotSupportedException("one cluster for all, with the key and settings it has");
        return Task.FromResult(new GuardedHost(new HttpClient(new Way(this, showsKeys: false)) { BaseAddress = Api.Address })
        {
            GateAddress = Gate.Address,
        });
    }

    /// <summary>Leads to the gate what is the gate's, and waits until the gate knows what the api was told.</summary>
    sealed class Way(GateRoleFacade host, bool showsKeys) : DelegatingHandler(new HttpClientHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            if (path.StartsWith("/gate/", StringComparison.Ordinal) || path == "/mcp")
            {
                request.RequestUri = new(host.Gate.Address, request.RequestUri.PathAndQuery);
                if (showsKeys) request.Headers.TryAddWithoutValidation("X-Purser-Key", host.key);
                if (showsKeys && path == "/mcp") request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", host.key);
                return await base.SendAsync(request, cancellationToken);
            }
            // An answer of a known length is read before its request has ended: the next one on its connection waits for that.
            if (host.key.Length > 0) (await AskAsync("/gate/openai/known", host.key, cancellationToken)).Dispose();
            if (showsKeys) request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", Admin);
            var answer = await base.SendAsync(request, cancellationToken);
            if (!answer.IsSuccessStatusCode) return answer;
            if (request.Method == HttpMethod.Put && path == "/v1/gate/routes") await KnowsAsync(request, cancellationToken);
            if (request.Method == HttpMethod.Post && path == "/v1/keys") await KnowsAsync(answer, cancellationToken);
            return answer;
        }

        /// <summary>A gate knows routes within a second: until it has the last of these, and so all.</summary>
        async Task KnowsAsync(HttpRequestMessage put, CancellationToken cancellation)
        {
            if (host.key.Length == 0) return;
            var last = JsonDocument.Parse(await put.Content!.ReadAsStringAsync(cancellation)).RootElement.GetProperty("routes")
                .EnumerateArray().Last().GetProperty("name").GetString();
            await UntilAsync($"/gate/{last}/known", host.key, async answer => !(await answer.Content.ReadAsStringAsync(cancellation))
                .Contains("there is no route", StringComparison.Ordinal), cancellation);
        }

        /// <summary>And keys within half a second.</summary>
        async Task KnowsAsync(HttpResponseMessage made, CancellationToken cancellation)
        {
            var told = JsonDocument.Parse(await made.Content.ReadAsStringAsync(cancellation)).RootElement;
            // Who has a key of Purser is told that there is none of this provider.
            await UntilAsync("/gate/openai/known", told.GetProperty("key").GetString()!, async answer =>
                answer.StatusCode != HttpStatusCode.Unauthorized || (await answer.Content.ReadAsStringAsync(cancellation))
                    .Contains("there is no provider key", StringComparison.Ordinal), cancellation);
        }

        Task UntilAsync(string path, string key, Func<HttpResponseMessage, Task<bool>> isKnown, CancellationToken cancellation) =>
            ServerProcess.UntilAsync(async () =>
            {
                using var answer = await AskAsync(path, key, cancellation);
                return await isKnown(answer);
            }, () => $"the gate does not know of {path}");

        async Task<HttpResponseMessage> AskAsync(string path, string key, CancellationToken cancellation)
        {
            using var asking = new HttpRequestMessage(HttpMethod.Get, new Uri(host.Gate.Address, path));
            asking.Headers.TryAddWithoutValidation("X-Purser-Key", key);
            return await base.SendAsync(asking, cancellation);
        }
    }
}

[Collection(GateRoleHttpTests.Name)]
public sealed class GateRoleGateCourseTests(GateRoleFacade host) : GateCourseConformance(host);

[Collection(GateRoleHttpTests.Name)]
[Trait("run", "long")]
public sealed class GateRoleGateHoldTests(GateRoleFacade host) : GateHoldConformance(host);

[Collection(GateRoleHttpTests.Name)]
public sealed class GateRoleGateClientTests(GateRoleFacade host) : GateClientConformance(host);

[Collection(GateRoleHttpTests.Name)]
public sealed class GateRoleGateAbortTests(GateRoleFacade host) : GateAbortConformance(host);

[Collection(GateRoleHttpTests.Name)]
public sealed class GateRoleToolTests(GateRoleFacade host) : ToolConformance(host);
