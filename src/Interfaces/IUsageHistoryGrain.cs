// The grain that keeps the history of an account's usage at hand. It is a cache of the ledger: losing it loses time, nothing else.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Get it with <see cref="UsageHistoryGrains.GetUsageHistory"/>, which knows its key.</summary>
[Alias("purser.history")]
[GrainInterfaceType("purser.history")]
public interface IUsageHistoryGrain : IGrainWithStringKey
{
    /// <summary>There is something new in the ledger. Nobody waits for it, and it may get lost: reading catches up first.</summary>
    [OneWay]
    [Alias("wake")]
    Task WakeAsync();

    /// <summary>The history with everything that was acknowledged before the call.</summary>
    [Alias("read")]
    [ResponseTimeout("00:00:30")]
    Task<Immutable<UsageHistoryView>> ReadAsync();

    /// <summary>Of that history only the anomalies that were found, ended or withdrawn since a moment (milliseconds since 1970).</summary>
    [Alias("finds")]
    [ResponseTimeout("00:00:30")]
    Task<Immutable<UsageHistoryView>> FindsAsync(long sinceMillis);
}

public static class UsageHistoryGrains
{
    /// <summary>No hexadecimal digit: storage takes keys that look like numbers or identifiers for those, and "ff" and "00FF" would share a
    /// row.</summary>
    const string Prefix = "h/";

    public static IUsageHistoryGrain GetUsageHistory(this IGrainFactory grains, string account) =>
        grains.GetGrain<IUsageHistoryGrain>(Prefix + account);

    public static string AccountOf(string key) => key[Prefix.Length..];
}
