// The catalogue beneath the custom prices: which one is in force, and putting another in its place as a whole.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class CatalogueEndpoints(IBudgetAuthority authority, LedgerClock clock)
{
    /// <summary>Beside the body, which is the file as it is published.</summary>
    public static readonly IReadOnlyList<Parameter> Parameters = [new("by", "who changes it, for the history"),
        new("reason", "why, for the history")];

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        await Answer(http, await authority.SettingsAsync());
    }

    public async Task Put(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        await Edit(http, new PutCatalogue(await Body.ReadFileAsync(http)) { At = clock.Now, ChangedBy = by, KeyId = key,
            Reason = query.Text("reason") });
    }

    public async Task Delete(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var (by, key) = Access.Actor.Of(http, query.Text("by"));
        await Edit(http, new RemoveCatalogue { At = clock.Now, ChangedBy = by, KeyId = key, Reason = query.Text("reason") });
    }

    async Task Edit(HttpContext http, SettingsEdit edit)
    {
        var edited = await authority.EditSettingsAsync(edit);
        await (edited.Refusal is { } refusal ? Problems.WriteAsync(http, refusal) : Answer(http, edited.Settings));
    }

    async Task Answer(HttpContext http, Settings settings) => await Reply.JsonAsync(http, 200,
        CatalogueDocument.Of(settings.Body, await SettingsHistory.OfAsync(authority, settings, SettingsEditRules.CatalogueSubject)),
        ApiJson.Default.CatalogueDocument);
}
