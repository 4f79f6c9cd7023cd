// How a record is filtered and grouped where the whole of it is at hand.
using Purser.Core;

namespace Purser.Engine;

public static class RecordMatching
{
    /// <param name="booked">What is booked under an id in the same account: what was given a price later has a record beside it.</param>
    public static bool Matches(this UsageRecord record, string account, UsageFilter filter, Func<string, UsageRecord?> booked)
    {
        var range = RollupPlan.RangeOf(filter);
        var at = record.At.ToUnixTimeMilliseconds();
        return at >= range.From && at < range.To
            && (filter.Unpriced is null || filter.Unpriced == (record.Unpriced && !record.HasPriceBeside(booked)))
            && ((filter.Disputed != true && filter.Unread != true) || !record.IsSettledByHand(id => booked(id) is not null))
            && record.Fits(account, filter);
    }

    static bool HasPriceBeside(this UsageRecord record, Func<string, UsageRecord?> booked) =>
        booked(RepriceRules.AdjustmentId(record.Id, 1)) is not null || booked(AdjustmentRules.VoidId(record.Id)) is not null
            || Enumerable.Range(1, AdjustmentRules.MostCorrections)
                .Any(time => booked(AdjustmentRules.CorrectionId(record.Id, time)) is { GivesPrice: true });

    /// <summary>Whether somebody said what it really was, or that it never counts.</summary>
    public static bool IsSettledByHand(this UsageRecord record, Func<string, bool> isBooked) =>
        isBooked(AdjustmentRules.CorrectionId(record.Id, 1)) || isBooked(AdjustmentRules.VoidId(record.Id));

    /// <summary>What a filter says of the record itself: all but its time and its price.</summary>
    public static bool Fits(this UsageRecord record, string account, UsageFilter filter) =>
        RollupKey.Of(account, record).Matches(filter)
        && Wants(filter.Session, record.Usage.Dimensions.Session)
        && Wants(filter.RequestId, record.Usage.RequestId)
        && Wants(filter.ReservationId, record.ReservationId)
        && Wants(filter.Id, record.Id)
        && (filter.Unread is null || filter.Unread == record.Usage.Unread is not null)
        && (filter.Disputed is null || filter.Disputed == record.Usage.Disputed is not null)
        && (filter.Tags is null || filter.Tags.All(tag => tag.Value.Fits(record.Usage.Dimensions.Tags?.GetValueOrDefault(tag.Key))));

    static bool Wants(Wanted? wanted, string? value) => wanted is null || wanted.Fits(value);

    /// <summary>
    /// The groups that a record belongs to: one, or with <see cref="UsageKey.Tag"/> one for each of its tags, and with
    /// <see cref="UsageKey.Tool"/> one for each of its tools.
    /// </summary>
    public static IEnumerable<string?[]> GroupsOf(this UsageRecord record, string account, IReadOnlyList<UsageKey> by)
    {
        var tags = record.Usage.Dimensions.Tags;
        var inTags = !by.Contains(UsageKey.Tag) || tags is not { Count: > 0 }
            ? (IReadOnlyList<string?>)[null] : [.. tags.Select(tag => $"{tag.Key}={tag.Value}")];
        var rolledUp = RollupKey.Of(account, record);
        var tools = by.Contains(UsageKey.Tool) ? RollupKey.ToolsOf(rolledUp.Tool) : [null];
        foreach (var tag in inTags)
            foreach (var tool in tools)
                yield return [.. by.Select(key =>
                    key == UsageKey.Tag ? tag
                    : key == UsageKey.Tool ? tool
                    : key.TagName is { } name ? tags?.GetValueOrDefault(name)
                    : key == UsageKey.Session ? record.Usage.Dimensions.Session
                    : rolledUp.Of(key))];
    }

    public static UsageFigures Figures(this UsageRecord record) => new(
        record.At.ToUnixTimeMilliseconds(), record.Told.Input, record.Told.Output, record.Amounts.Requests,
            record.Amounts.CostNanos,
        record.Usage.Success, record.Usage.DurationMs, record.Unpriced ? 1 : record.GivesPrice ? -1 : 0);
}
