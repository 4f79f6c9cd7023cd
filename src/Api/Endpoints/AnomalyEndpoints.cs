// Anomalies of an account, newest first.
using System.Globalization;
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AnomalyEndpoints(IBudgetAuthority authority, IUsageHistories histories)
{

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("from", "the first instant, or the first day, of `at`"), new("to", "the instant before which it ends, or the last day"),
        new("kind", $"one or more of {Words<AnomalyKind>()}, separated by commas"),
            new("severity", $"one or more of {Words<Severity>()}, separated by commas"),
        new("withdrawn", "`true`: also those that late records showed not to hold"),
        .. Paging.Parameters,
    ];

    public async Task List(HttpContext http)
    {
        var account = PathValue.Account(http);
        var query = new Query(http, Parameters);
        var (from, to) = (query.Time("from", DateTimeZone.Utc), query.Time("to", DateTimeZone.Utc, isEnd: true));
        if (from >= to) throw RequestRefusedException.Invalid("to", "must lie after `from`");
        var (kinds, severities) = (Chosen<AnomalyKind>(query, "kind"), Chosen<Severity>(query, "severity"));
        var limit = query.Count("limit", Paging.Usual, Paging.Largest);
        var withdrawn = query.Flag("withdrawn") ?? false;
        var before = long.MaxValue;
        if (query.Text("cursor") is { } cursor && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before))
            throw RequestRefusedException.Invalid("cursor", "is not one that this service gave");
        // Only to know whether there is such an account.
        if (await authority.SendAsync(account, new GetPolicy()) is var known && known.Status != OutcomeStatus.Done)
        {
            await Problems.WriteAsync(http, known);
            return;
        }
        var history = await histories.ReadAsync(account, http.RequestAborted);
        var found = history.Anomalies.Reverse()
            .Where(one => one.No < before && !(one.At < from) && !(one.At >= to) && (kinds.Count == 0 || kinds.Contains(one.Kind))
                && (severities.Count == 0 || severities.Contains(one.Severity)) && (withdrawn || one.WithdrawnAt is null))
            .Take(limit + 1).ToList();
        var next = found.Count > limit ? found[limit - 1].No.ToString(CultureInfo.InvariantCulture) : null;
        await Reply.JsonAsync(http, 200, new AnomaliesDocument([.. found.Take(limit).Select(one => new AnomalyDocument(one))], next),
            ApiJson.Default.AnomaliesDocument);
    }

    static List<T> Chosen<T>(Query query, string name) where T : struct, Enum =>
        [.. query.Many(name).Select(word => WordConverter<T>.TryParse(word, out var value)
            ? value : throw RequestRefusedException.Invalid(name, $"must be one of {Words<T>()}"))];

    static string Words<T>() where T : struct, Enum => string.Join(", ", WordConverter<T>.Words.Select(word => word.Word));
}
