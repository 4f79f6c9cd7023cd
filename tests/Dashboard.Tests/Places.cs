// Every page that a person can open, for what is asked of all of them.
namespace Purser.Dashboard.Tests;

static class Places
{
    public static readonly (string Name, string Address)[] All =
    [
        ("overview", "/overview"), ("accounts", "/accounts"), ("account", "/accounts/search-agents"),
        ("account-check", "/accounts/support-bot?tab=check"), ("account-holds", "/accounts/support-bot?tab=holds"),
        ("account-overrides", "/accounts/support-bot?tab=overrides"), ("account-policy", "/accounts/search-agents?tab=policy"),
        ("account-sessions", "/accounts/research?tab=sessions"), ("account-records", "/accounts/research?tab=usage"),
        ("account-audit", "/accounts/support-bot?tab=audit"), ("money", "/money"), ("anomalies", "/anomalies"), ("events", "/events"),
        ("webhooks", "/webhooks"), ("keys", "/keys"), ("system", "/system"),
    ];

    public static TheoryData<string> Addresses => [.. All.Select(place => place.Address)];
}
