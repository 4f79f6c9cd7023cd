// Where the service is, the key, and how patient the client is.
namespace Purser.Client;

public sealed class PurserClientOptions
{
    /// <summary>Where the service listens; a path behind it is kept, for services behind a proxy.</summary>
    public Uri BaseAddress { get; set; } = new("http://127.0.0.1:8080");

    /// <summary>Sent as `Authorization: Bearer …`. Without one the service must listen on this machine only.</summary>
    public string? Key { get; set; }

    /// <summary>Instead of a key: asked before every attempt, for tokens that run out. Where it fails, or does not answer within <see
    /// cref="AttemptTimeout"/>, that is a transient <see cref="PurserException"/>.</summary>
    public Func<CancellationToken, ValueTask<string?>>? KeyProvider { get; set; }

    /// <summary>How often a request is sent at most. Again is only sent what carries an id, or changes nothing.</summary>
    public int MaxAttempts { get; set; } = 4;

    /// <summary>How long one attempt may take, with what <see cref="KeyProvider"/> takes. Streams have so long to begin, requests of <see
    /// cref="PurserClient.RunBatchAsync"/> six times as long, and imports, verifying and rebuilding as long as they take.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The wait before the second attempt, where the service does not say how long; doubled before each further one.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>A `Retry-After` beyond this is not waited out: it is told in the exception.</summary>
    public TimeSpan LongestWait { get; set; } = TimeSpan.FromSeconds(30);

    internal void Validate()
    {
        if (!BaseAddress.IsAbsoluteUri || BaseAddress.Scheme is not ("http" or "https"))
            throw new ArgumentException($"{nameof(BaseAddress)} must be an http:// or https:// address, not '{BaseAddress}'");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(AttemptTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(RetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(LongestWait, TimeSpan.Zero);
    }
}
