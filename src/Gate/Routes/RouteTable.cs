// The routes in force: the built-in ones, and over them those that were set and are kept in the ledger, known on every host in a second.
using System.IO.Enumeration;
using System.Text.Json;
using Purser.Engine;

namespace Purser.Gate;

public sealed class RouteTable(ISharedState shared, GateOptions options, TimeProvider time) : IDisposable
{
    const string document = "gate-routes";
    static readonly TimeSpan oldest = TimeSpan.FromSeconds(1);

    readonly SemaphoreSlim reading = new(1);
    Known known = new(-1, GateRoutes.None, 0);

    sealed record Known(long Version, GateRoutes Set, long ReadAt);

    public GateOptions Options => options;

    public async ValueTask<GateRoute?> FindAsync(string name)
    {
        var set = await CurrentAsync();
        foreach (var route in set.Routes)
            if (route.Name == name)
                return route;
        foreach (var route in GateRoute.BuiltIn)
            if (route.Name == name)
                return route;
        return null;
    }

    /// <summary>All routes in force, built-in ones that were not replaced included, and the version of what was set.</summary>
    public async Task<(long Version, IReadOnlyList<GateRoute> Routes)> AllAsync()
    {
        var now = await ReadAsync();
        return (now.Version, [.. now.Set.Routes, .. GateRoute.BuiltIn.Where(own => now.Set.Routes.All(set => set.Name != own.Name))]);
    }

    /// <summary>Replaces what was set; false where somebody else did meanwhile.</summary>
    public async Task<bool> SetAsync(GateRoutes routes, long? ifVersion)
    {
        while (true)
        {
            var now = await ReadAsync();
            if (ifVersion is { } wanted && wanted != now.Version) return false;
            var body = JsonSerializer.SerializeToUtf8Bytes(routes, GateJson.Default.GateRoutes);
            if (await shared.SaveAsync(document, now.Version, body)) return true;
        }
    }

    async ValueTask<GateRoutes> CurrentAsync()
    {
        var now = known;
        return now.Version >= 0 && time.GetElapsedTime(now.ReadAt) < oldest ? now.Set : (await ReadAsync(now)).Set;
    }

    async Task<Known> ReadAsync(Known? seen = null)
    {
        await reading.WaitAsync();
        try
        {
            if (seen is not null && !ReferenceEquals(known, seen)) return known;
            var began = time.GetTimestamp();
            var found = await shared.LoadAsync(document, known.Version);
            if (found is null) return known = known with { ReadAt = began };
            var set = found.Body.Length == 0 ? GateRoutes.None : JsonSerializer.Deserialize(found.Body.Span, GateJson.Default.GateRoutes)!;
            return known = new(found.Version, set, began);
        }
        finally
        {
            reading.Release();
        }
    }

    public void Dispose() => reading.Dispose();

    /// <summary>Whether a request passes without a budget.</summary>
    public static bool Passes(GateRoute route, string method, string path)
    {
        foreach (var rule in route.PassThrough ?? [])
            if (FileSystemName.MatchesSimpleExpression(rule, $"{method} {path}", ignoreCase: false))
                return true;
        return false;
    }
}
