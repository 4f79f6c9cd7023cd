// The questions about usage in SQL: one shape for both dialects.
using System.Globalization;
using System.Text;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

/// <summary>Where the dialects differ: how a value is referred to, and what a planner has to be told.</summary>
sealed record UsageDialect(Func<int, string> Value)
{
    /// <summary>Whether a record as it is stored contains {0}.</summary>
    public required string Contains { get; init; }

    /// <summary>Whether a column has {0} among texts that <see cref="RollupKey.BetweenTools"/> divides.</summary>
    public required Func<string, string> HasPart { get; init; }

    /// <summary>Whether a column is like {0}, a pattern of LIKE, where only letters of ASCII have a case.</summary>
    public required Func<string, string> IsLike { get; init; }

    /// <summary>Goes before columns whose index must not be taken.</summary>
    public string Unindexed { get; init; } = "";

    /// <summary>Goes behind the table whose index {0} must be taken, where a planner is told that.</summary>
    public Func<string, string> By { get; init; } = _ => "";

    /// <summary>Goes before account and time where the id of a record is given: the index of ids is better, which not every planner
    /// sees.</summary>
    public string BesideId { get; init; } = "";
}

/// <summary>A condition with its values.</summary>
sealed class UsageWhere
{
    readonly UsageDialect dialect;
    readonly StringBuilder sql = new();
    readonly List<object> values = [];

    /// <summary><paramref name="account"/> is the account as the table names it; <paramref name="range"/> goes before the one of the
    /// filter.</summary>
    public UsageWhere(UsageDialect dialect, UsageFilter filter, object? account, MillisRange range)
    {
        this.dialect = dialect;
        // An id says more than a doubt, and records at the end of the table need no index.
        if (IsInDoubt(filter) && filter.Id is null && dialect.Unindexed.Length == 0)
            Table += dialect.By(account is null ? "usage_doubts" : "usage_doubts_by_account");
        var unindexed = filter.Id is null ? dialect.Unindexed : dialect.BesideId;
        And("not erased");
        if (account is not null) And(unindexed + "account = {0}", account);
        Want("orchestrator", filter.Orchestrator);
        Want("\"user\"", filter.User);
        Want("tenant", filter.Tenant);
        Want("session", filter.Session);
        Want("provider", filter.Provider);
        Want("model", filter.Model);
        if (filter.Tool is { Globs.Count: 0 } tools) Or(tools.Values.Select(value => (dialect.HasPart("tool"), (object)value)));
        Want("request_id", filter.RequestId);
        Want("reservation_id", filter.ReservationId);
        Want("usage_id", filter.Id);
        if (filter.Success is { } success) And(success ? "success" : "not success");
        if (IsInDoubt(filter)) And("doubts is not null");
        if (filter.Unpriced is { } unpriced) And(unpriced ? HasNoPrice : $"not ({HasNoPrice})");
        // Who reads the rows looks into the record.
        if (filter.Disputed == true) And(dialect.Contains, "\"disputed\":"u8.ToArray());
        if (filter.Unread == true) And(dialect.Contains, "\"unread\":"u8.ToArray());
        if (filter.Disputed == true || filter.Unread == true) And($"not {IsSettledByHand}");
        // Looked for in the bytes first: taking every record apart costs ten times as much. Who reads them looks again.
        foreach (var (name, wanted) in filter.Tags ?? [])
            if (wanted.Globs.Count == 0) Or(wanted.Values.Select(value => (dialect.Contains, (object)LedgerJson.EncodeTag(name, value))));
        if (range.From > RollupPlan.Earliest) And(unindexed + "at >= {0}", range.From);
        if (range.To < RollupPlan.Latest) And(unindexed + "at < {0}", range.To);
    }

    /// <summary>What somebody has to look at has a column and indexes of its own. Records may have a doubt that they should not have any
    /// more, such as those that were imported after what settles them; none lacks one.</summary>
    static bool IsInDoubt(UsageFilter filter) => filter.Unpriced == true || filter.Disputed == true || filter.Unread == true;

    /// <summary>The table, with the index that has to be taken.</summary>
    public string Table { get; } = "usage";

    /// <summary>A first adjustment of what was booked without a price gives it one, a correction may; the row of what does is marked too,
    /// for <see cref="UsageColumns.Unpriced"/>.</summary>
    static readonly string HasNoPrice = $"unpriced and not {GivesPrice} and {Beside("", "repriced:1:", "void:")} is null and "
        + $"{Beside("a.unpriced and ", [.. Enumerable.Range(1, AdjustmentRules.MostCorrections).Select(time =>
            $"corrected:{time.ToString(CultureInfo.InvariantCulture)}:")])} is null";

    /// <summary>Of a row that is marked: it gives another its price, or takes it back.</summary>
    internal const string GivesPrice = "(substr(usage_id, 1, 9) = 'repriced:' or substr(usage_id, 1, 10) = 'corrected:' or "
        + "substr(usage_id, 1, 5) = 'void:')";

    /// <summary>Somebody said what it really was, or that it never counts.</summary>
    internal static readonly string IsSettledByHand = $"{Beside("", "corrected:1:", "void:")} is not null";

    /// <summary>
    /// 1 where the account has a record with one of some names made of this one's, else null. One question a name, each with the whole key,
    /// and no <c>in</c>: PostgreSQL looks for several in all of an account's records where accounts have few as a rule. A value, and no
    /// <c>exists</c>, of which it makes a join that compares each record of an account with each.
    /// </summary>
    static string Beside(string condition, params string[] before) => "coalesce(" + string.Join(", ", before.Select(name =>
        $"(select 1 from usage a where {condition}a.account = usage.account and a.usage_id = '{name}' || usage.usage_id limit 1)")) + ")";

    public IReadOnlyList<object> Values => values;

    /// <summary>A glob lets more through than it should, where letters beyond ASCII are concerned: who reads the rows looks
    /// again.</summary>
    void Want(string column, Wanted? wanted)
    {
        if (wanted is null) return;
        var globs = wanted.Globs.Select(LikeOf).ToArray();
        if (globs.Contains(null)) return;
        Or([.. wanted.Values.Select(value => (dialect.Unindexed + column + " = {0}", (object)value)),
            .. globs.Select(like => (dialect.IsLike(column), (object)like!))]);
    }

    /// <summary>The pattern of LIKE for a glob; null where it has letters beyond ASCII.</summary>
    static string? LikeOf(string glob) => !Ascii.IsValid(glob) ? null
        : glob.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal).Replace('*', '%').Replace('?', '_');

    /// <summary>One of several conditions, each with one value.</summary>
    void Or(IEnumerable<(string Condition, object Value)> any)
    {
        var conditions = any.ToArray();
        And(string.Join(" or ", conditions.Select((one, i) => one.Condition.Replace("{0}", $"{{{i}}}", StringComparison.Ordinal)))
            is var text
            && conditions.Length > 1 ? $"({text})" : text, [.. conditions.Select(one => one.Value)]);
    }

    /// <summary>The condition names its values {0}, {1}, each once.</summary>
    public void And(string condition, params object[] given)
    {
        var names = given.Select((_, i) => (object)dialect.Value(values.Count + i + 1)).ToArray();
        sql.Append(sql.Length == 0 ? " where " : " and ").AppendFormat(CultureInfo.InvariantCulture, condition, names);
        values.AddRange(given);
    }

    public void After(UsageCursor place) => And($"at <= {{0}} and (at < {{1}} or position > {{2}})", place.AtMillis, place.AtMillis,
        place.Order);

    public override string ToString() => sql.ToString();
}

/// <summary>Why somebody has to look at a record, as the column has it; null for nearly all.</summary>
static class Doubts
{
    const int NoPrice = 1, NotSure = 2;

    public static long? Of(UsageRecord record)
    {
        var doubts = (record.Unpriced ? NoPrice : 0) | (record.Usage.Disputed is not null || record.Usage.Unread is not null ? NotSure : 0);
        return doubts == 0 ? null : doubts;
    }

    /// <summary>The record that one of this id settles, and which of its doubts stay; null where it settles none.</summary>
    public static (string Id, int Stays)? SettledBy(string id)
    {
        foreach (var (start, stays) in settling)
            if (id.StartsWith(start, StringComparison.Ordinal)) return (id[start.Length..], stays);
        return null;
    }

    static readonly (string Start, int Stays)[] settling =
    [
        (Validity.RepricedIdPrefix + "1:", NotSure), (Validity.CorrectionIdPrefix + "1:", NoPrice), (Validity.VoidIdPrefix, 0),
    ];
}

/// <summary>
/// What is read of a record to add it up. The columns that groups need come after these, and the account and the whole record last, where
/// tags are asked for or the record has to be looked at.
/// </summary>
sealed class UsageColumns
{
    readonly IReadOnlyList<UsageKey> keys;

    /// <param name="keys">What the questions group by; asked for only where the columns say it all.</param>
    /// <param name="withParts">Whether whole records are read, and whether they were settled by hand.</param>
    public UsageColumns(UsageFilter filter, IEnumerable<UsageKey> keys, bool withParts = false)
    {
        this.keys = [.. keys.Distinct()];
        (NeedsRecord, WithParts) = (withParts || filter.NeedsLook || this.keys.Any(key => key.IsInTags), withParts);
        var columns = this.keys.Where(key => !key.IsInTags).Select(key => key == UsageKey.Outcome ? "success" : key == UsageKey.User
            ? "\"user\"" : key.Name);
        Text = string.Join(", ", [
            RowReading.Figures, .. NeedsRecord ? ["account", "record"] : columns, .. withParts
                ? [$"case when {UsageWhere.IsSettledByHand} then 1 else 0 end"]
                    : noColumns]);
    }

    /// <summary>1 for a row without a price, -1 for one that gives another its price.</summary>
    public const string Unpriced = $"case when not unpriced then 0 when {UsageWhere.GivesPrice} then -1 else 1 end";

    static readonly string[] noColumns = [];

    public bool NeedsRecord { get; }

    /// <summary>Whether 1 stands behind the record where it was settled by hand.</summary>
    public bool WithParts { get; }

    public string Text { get; }

    /// <summary>The first column of a group's keys; of a record's account, where the record is needed, with the record behind it.</summary>
    public const int First = 9;

    /// <summary>The values of a row, where the columns say it all.</summary>
    public string?[] Values(IRow row, bool success)
    {
        var values = new string?[keys.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = keys[i] == UsageKey.Outcome ? UsageKey.OutcomeOf(success)
                : keys[i] == UsageKey.Account ? row.Account(First + i) : row.TextOrNull(First + i);
        return values;
    }

    /// <summary>Where the values for some keys stand.</summary>
    public int[] PlacesOf(IReadOnlyList<UsageKey> by) => [.. by.Select(key => ((List<UsageKey>)[.. keys]).IndexOf(key))];
}
