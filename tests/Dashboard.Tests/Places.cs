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
        ("account-audit", "/accounts/support-bot?tab=audit"), ("holds", "/holds"), ("money", "/money"),
            ("money-charged", "/money?tab=charged"), ("money-credits", "/money?tab=credits"),
        ("money-prices", "/money?tab=prices&search=gpt-4o-mini&of=openai/gpt-4o-mini"), ("money-catalogue", "/money?tab=catalogue"),
        ("money-currencies", "/money?tab=currencies"), ("overview-split", "/overview?range=last-month&split=model"),
        ("anomaly", "/anomalies?account=night-batch"),
        ("alerts", "/alerts"), ("alerts-history", "/alerts?tab=history"), ("alerts-rules", "/alerts?tab=rules"),
        ("alerts-channels", "/alerts?tab=channels"), ("anomalies", "/anomalies"), ("events", "/events"),
        ("webhooks", "/webhooks"), ("keys", "/keys"), ("system", "/system"),
    ];

    public static TheoryData<string> Addresses => [.. All.Select(place => place.Address)];
}
