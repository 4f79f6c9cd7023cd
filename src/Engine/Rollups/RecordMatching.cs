// How a record is filtered and grouped where the whole of it is at hand.
using Purser.Core;

namespace Purser.Engine;

public static class RecordMatching
{
    /// <param name="isBooked">Whether a usage of the same account is booked: what was given a price later has an adjustment.</param>
    public static bool Matches(this UsageRecord record, string account, UsageFilter filter, Func<string, bool> isBooked)
    {
        var range = RollupPlan.RangeOf(filter);
        var at = record.At.ToUnixTimeMilliseconds();
        return at >= range.From && at < range.To
            && RollupKey.Of(account, record).Matches(filter)
            && (filter.Session is null || filter.Session == record.Usage.Dimensions.Session)
            && (filter.Unpriced is null || filter.Unpriced == (record.Unpriced && !isBooked(RepriceRules.AdjustmentId(record.Id, 1))))
            && (filter.RequestId is null || filter.RequestId == record.Usage.RequestId)
            && (filter.ReservationId is null || filter.ReservationId == record.ReservationId)
            && (filter.Id is null || filter.Id == record.Id)
            && record.HasTags(filter);
    }

    /// <summary>The part of a filter that only the whole record can answer.</summary>
    public static bool HasTags(this UsageRecord record, UsageFilter filter)
    {
        if (filter.Tags is null) return true;
        var tags = record.Usage.Dimensions.Tags;
        return filter.Tags.All(wanted => tags is not null && tags.TryGetValue(wanted.Key, out var value) && value == wanted.Value);
    }

    /// <summary>The groups that a record belongs to: one, or with <see cref="UsageKey.Tag"/> one for each of its tags.</summary>
    public static IEnumerable<string?[]> GroupsOf(this UsageRecord record, string account, IReadOnlyList<UsageKey> by)
    {
        var tags = record.Usage.Dimensions.Tags;
        if (!by.Contains(UsageKey.Tag) || tags is not { Count: > 0 })
        {
            yield return [.. by.Select(key => ValueOf(key, null))];
            yield break;
        }
        foreach (var (name, value) in tags) yield return [.. by.Select(key => ValueOf(key, $"{name}={value}"))];

        string? ValueOf(UsageKey key, string? tag) =>
            key == UsageKey.Tag ? tag
            : key.TagName is { } name ? tags?.GetValueOrDefault(name)
            : key == UsageKey.Session ? record.Usage.Dimensions.Session
            : RollupKey.Of(account, record).Of(key);
    }

    public static UsageFigures Figures(this UsageRecord record) => new(
        record.At.ToUnixTimeMilliseconds(), record.Amounts.InputTokens, record.Amounts.OutputTokens, record.Amounts.Requests,
            record.Amounts.CostNanos,
        record.Usage.Success, record.Usage.DurationMs, record.Unpriced ? 1 : record.GivesPrice ? -1 : 0);
}
