// The routes in force: the built-in ones, over them those that were set and are kept in the ledger, known on every host in a second, and
// over all of them those of this host's file.
using System.IO.Enumeration;
using Purser.Core;
using Purser.Engine;

namespace Purser.Gate;

public sealed class RouteTable(ISharedState shared, GateOptions options, TimeProvider time) : IDisposable
{
    const string document = KeptDocuments.GateRoutes;
    static readonly TimeSpan oldest = TimeSpan.FromSeconds(1);

    readonly SharedView<GateRoutes> known = new(shared, document, oldest, time,
        found => found.ReadAs(GateJson.Default.GateRoutes) ?? GateRoutes.None);

    public GateOptions Options => options;

    public async ValueTask<GateRoute?> FindAsync(string name)
    {
        if (Named(options.FileRoutes.Routes, name) is { } own) return own;
        return Named((await known.CurrentAsync()).Routes, name) ?? Named(GateRoute.BuiltIn, name);
    }

    static GateRoute? Named(IReadOnlyList<GateRoute> routes, string name)
    {
        for (var i = 0; i < routes.Count; i++)
            if (routes[i].Name == name)
                return routes[i];
        return null;
    }

    /// <summary>All routes in force, built-in ones that were not replaced included, and the version of what was set.</summary>
    public async Task<(long Version, IReadOnlyList<GateRoute> Routes)> AllAsync()
    {
        var (version, set) = await known.NewestAsync();
        return (version, [.. options.FileRoutes.Routes.Concat(set.Routes).Concat(GateRoute.BuiltIn).DistinctBy(route => route.Name)]);
    }

    /// <summary>Replaces what was set, and answers what that was; null where it is at another version.</summary>
    public async Task<GateRoutes?> SetAsync(GateRoutes routes, long? ifVersion)
    {
        while (true)
        {
            var (version, set) = await known.NewestAsync();
            var isSet = version > 0 && Text(set) == Text(routes);
            if (!VersionRule.Holds(ifVersion, version, isSet)) return null;
            if (isSet || await shared.SaveAsync(document, version, routes, GateJson.Default.GateRoutes)) return set;
        }

        static string Text(GateRoutes routes) => System.Text.Json.JsonSerializer.Serialize(routes, GateJson.Default.GateRoutes);
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

    /// <summary>Whether a part of the path is `.` or `..`, however often it was encoded: providers may read it as another path.</summary>
    internal static bool HasDots(string path)
    {
        const int mostTimes = 4;
        for (var times = 0; times < mostTimes; times++)
        {
            if (path.Split('/', '\\').Any(part => part is "." or "..")) return true;
            var plain = Uri.UnescapeDataString(path);
            if (plain == path) return false;
            path = plain;
        }
        // Nobody encodes a path so often who means what it says.
        return true;
    }
}
