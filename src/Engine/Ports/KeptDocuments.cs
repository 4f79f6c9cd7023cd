// Which of the shared documents people made: they are in backups. The others say how far work has come, and begin anew.
namespace Purser.Engine;

public static class KeptDocuments
{
    public const string Keys = "keys", GateRoutes = "gate-routes", AlertRules = "alert-rules", AlertChannels = "alert-channels";

    /// <summary>What the names of webhooks begin with: each is a document.</summary>
    public const string Webhooks = "webhook/";

    const int PerRead = 500;

    /// <summary>All that there are, in the order of their names within their kind.</summary>
    public static async IAsyncEnumerable<NamedDocument> AllAsync(ISharedState shared)
    {
        foreach (var name in (string[])[AlertChannels, AlertRules, GateRoutes, Keys])
            if ((await shared.LoadAsync(name))! is { Version: > 0 } found)
                yield return new(name, found);
        var after = "";
        while (await shared.ListAsync(Webhooks, after, PerRead) is { Count: > 0 } page)
        {
            foreach (var found in page) yield return found;
            after = page[^1].Name;
        }
    }

    public static bool Has(string name) => name is Keys or GateRoutes or AlertRules or AlertChannels
        || name.StartsWith(Webhooks, StringComparison.Ordinal);
}
