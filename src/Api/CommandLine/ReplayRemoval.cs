// `replay --remove`: takes what replays booked out of the records and reports of a host.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Api;

static partial class ReplayRemoval
{
    const string Why = "made by a replay";

    /// <summary>Every account that replays play into, whichever run it was. The journal forgets nothing: the names of the accounts stay,
    /// and so does what counts in a window that still runs.</summary>
    public static async Task<int> RunAsync(HostClient host, OperationScreen screen, CancellationToken cancellation)
    {
        var accounts = new List<string>();
        string? cursor = null;
        do
        {
            var page = await host.AskAsync(HttpMethod.Get, "v1/accounts?search=replay-&limit=1000"
                + (cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}"), null, cancellation);
            accounts.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("account").GetString()!)
                .Where(account => OfReplays.IsMatch(account)));
            cursor = page.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);
        foreach (var account in accounts)
            await host.AskAsync(HttpMethod.Delete, $"v1/accounts/{account}/usage?reason={Uri.EscapeDataString(Why)}", null, cancellation);
        if (screen.Json) return screen.Print(new JsonObject { ["accounts"] = accounts.Count });
        screen.Say(accounts.Count == 0 ? "there are no accounts of replays"
            : $"what replays booked in {accounts.Count} accounts is erased, from {accounts[0]} to {accounts[^1]}");
        return ExitCodes.Done;
    }

    /// <summary>As <see cref="ReplayOptions.AccountName"/> makes them.</summary>
    [GeneratedRegex("^replay-[0-9]{4,}$")]
    internal static partial Regex OfReplays { get; }
}
