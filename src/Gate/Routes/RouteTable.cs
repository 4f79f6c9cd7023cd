// The routes in force: the built-in ones, and over them those that were set and are kept in the ledger, known on every host in a second.
using System.IO.Enumeration;
using Purser.Engine;

namespace Purser.Gate;

public sealed class RouteTable(ISharedState shared, GateOptions options, TimeProvider time) : IDisposable
{
    const string document = "gate-routes";
    static readonly TimeSpan oldest = TimeSpan.FromSeconds(1);

    readonly SharedView<GateRoutes> known = new(shared, document, oldest, time,
        found => found.ReadAs(GateJson.Default.GateRoutes) ?? GateRoutes.None);

    public GateOptions Options => options;

    public async ValueTask<GateRoute?> FindAsync(string name)
    {
        var set = await known.CurrentAsync();
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
        var (version, set) = await known.NewestAsync();
        return (version, [.. set.Routes, .. GateRoute.BuiltIn.Where(own => set.Routes.All(other => other.Name != own.Name))]);
    }

    /// <summary>Replaces what was set; false where somebody else did meanwhile.</summary>
    public async Task<bool> SetAsync(GateRoutes routes, long? ifVersion)
    {
        while (true)
        {
            var (version, _) = await known.NewestAsync();
            if (ifVersion is { } wanted && wanted != version) return false;
            if (await shared.SaveAsync(document, version, routes, GateJson.Default.GateRoutes)) return true;
        }
    }

    public void Dispose() => known.Dispose();

    /// <summary>Whether a request passes without a budget.</summary>
    public static bool Passes(GateRoute route, string method, string path)
    {
        foreach (var rule in route.PassThrough ?? [])
            if (FileSystemName.MatchesSimpleExpression(rule, $"{method} {path}", ignoreCase: false))
                return true;
        return false;
    }
}
