// The nodes of a cluster as any of them sees it: its silos, and this api where it is none of them.
using NodaTime;
using Purser.Api;
using Purser.Interfaces;
using StackExchange.Redis;

namespace Purser.Silo;

/// <summary>Silos are listed by one of them: an api has no list of its own.</summary>
sealed class ClusterNodes(IGrainFactory grains, SiloOptions options, ClusterQueries queries, Repetition repetition,
    ILocalSiloDetails? own) : INodes
{
    public string Ledger => "postgres";

    public async Task<IReadOnlyList<Node>> ListAsync(CancellationToken cancellation = default)
    {
        var silos = await repetition.CallAsync(_ => AskAsync(cancellation), _ => false,
            why => throw new Engine.LedgerUnavailableException($"no silo answered ({why})"), cancellation);
        var nodes = silos.OrderBy(silo => silo.Status == SiloStatus.Active ? 0 : 1).ThenBy(silo => silo.SiloName, StringComparer.Ordinal)
            .Select(silo => new Node(silo.SiloName, own is not null && silo.SiloAddress.Equals(own.SiloAddress) ? options.Role : "silo",
                silo.Status.ToString().ToLowerInvariant(), silo.SiloAddress.Endpoint.ToString(),
                Instant.FromDateTimeUtc(DateTime.SpecifyKind(silo.StartTime, DateTimeKind.Utc)),
                own is not null && silo.SiloAddress.Equals(own.SiloAddress)));
        return own is not null ? [.. nodes] :
            [.. nodes, new(options.NodeName ?? Environment.MachineName, options.Role, "active", null, INodes.Started, IsHere: true)];
    }

    async Task<MembershipEntry[]> AskAsync(CancellationToken cancellation)
    {
        try
        {
            return await grains.GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: false, cancellation);
        }
        catch (RedisException away)
        {
            // The silo that is asked reads its list there; while it is away nobody else has one.
            throw new Engine.LedgerUnavailableException($"the list of silos can not be read ({away.GetType().Name})");
        }
    }

    public Task<long> UnfoldedAsync(CancellationToken cancellation = default) => queries.UnfoldedAsync(cancellation);
}
