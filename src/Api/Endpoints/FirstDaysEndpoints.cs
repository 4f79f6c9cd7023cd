// What new accounts are held against: what others used in their first days. Read, and learned at once.
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class FirstDaysEndpoints(IBudgetAuthority authority, FirstDaysUpkeep upkeep)
{
    public static readonly IReadOnlyList<Parameter> Parameters = [new("tenant", "only of this tenant's accounts")];

    public async Task Get(HttpContext http)
    {
        var settings = await authority.SettingsAsync();
        await AnswerAsync(http, settings, Wanted(http, settings));
    }

    public async Task Learn(HttpContext http)
    {
        var wanted = Wanted(http, await authority.SettingsAsync());
        await AnswerAsync(http, await upkeep.LearnAsync(wanted, http.RequestAborted), wanted);
    }

    /// <summary>A caller sees those of its own tenant, and those of tenants all of whose accounts it sees.</summary>
    static Predicate<string?> Wanted(HttpContext http, Settings settings)
    {
        var (only, caller) = (new Query(http, Parameters).Text("tenant"), Caller.Of(http));
        if (only is not null && !IsSeen(only)) throw RequestRefusedException.Invalid("tenant", $"there is no tenant '{only}'");
        return tenant => (only is null || tenant == only) && IsSeen(tenant);

        bool IsSeen(string? id) => id is null ? caller.Accounts.IsEverything
            : settings.Tenants.Find(id) is { } tenant && TenantEndpoints.Sees(caller, tenant);
    }

    static Task AnswerAsync(HttpContext http, Settings settings, Predicate<string?> wanted) => Reply.JsonAsync(http, 200,
        new([.. settings.Body.FirstDays.Where(one => wanted(one.Tenant)).Select(one => new FirstDaysDocument(one))]),
        ApiJson.Default.FirstDaysListDocument);
}
