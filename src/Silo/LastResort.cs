// Ends a node that can not end in good order: what it would tell Redis and PostgreSQL when both are gone, it would try to tell for ever.
namespace Purser.Silo;

static class LastResort
{
    /// <summary>After the time that a shutdown has; within that after which supervisors kill.</summary>
    static readonly TimeSpan grace = TimeSpan.FromSeconds(8);

    /// <summary>Kept, or it would be collected before it fires.</summary>
    static Timer? timer;

    public static void EndAfter(TimeSpan shutdown, IHostApplicationLifetime lifetime) =>
        lifetime.ApplicationStopping.Register(() => timer = new(
        _ =>
        {
            Console.Error.WriteLine(
                $"purser-silo: could not end in good order within {(shutdown + grace).TotalSeconds:0} s, and ends now; what was "
                    + $"acknowledged is in the ledger");
            Environment.Exit(Api.ExitCodes.CutShort);
        }, null, shutdown + grace, Timeout.InfiniteTimeSpan));
}
