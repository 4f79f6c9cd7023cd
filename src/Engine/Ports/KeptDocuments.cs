// Which of the shared documents people made: they are in backups. The others say how far work has come, and begin anew.
namespace Purser.Engine;

public static class KeptDocuments
{
    public const string Keys = "keys", GateRoutes = "gate-routes", AlertRules = "alert-rules", AlertChannels = "alert-channels";

    /// <summary>What the names of webhooks begin with: each is a document.</summary>
    public const string Webhooks = "webhook/";

    static readonly string[] single = [AlertChannels, AlertRules, GateRoutes, Keys];

    const int PerRead = 500;

    /// <summary>All that there are, in the order of their names within their kind.</summary>
    public static async IAsyncEnumerable<NamedDocument> AllAsync(ISharedState shared)
    {
        foreach (var name in single)
            if ((await shared.LoadAsync(name))! is { Version: > 0 } found)
                yield return new(name, found);
        var after = "";
        while (await shared.ListAsync(Webhooks, after, PerRead) is { Count: > 0 } page)
        {
            foreach (var found in page) yield return found;
            after = page[^1].Name;
        }
    }

    public static bool Has(string name) => single.Contains(name) || name.StartsWith(Webhooks, StringComparison.Ordinal);
}
