// Every page that a person can open, for what is asked of all of them.
namespace Purser.Dashboard.Tests;

static class Places
{
    public static readonly (string Name, string Address)[] All =
    [
        ("overview", "/overview"), ("accounts", "/accounts"),
    ];

    public static TheoryData<string> Addresses => [.. All.Select(place => place.Address)];
}
