// The service over HTTP: one method for each operation, named after it.
namespace Purser.Client;

/// <summary>
/// Every operation of the service. Safe to share between threads, and to keep. What changes something carries an id (one is made up
/// where none is given), so that it can be sent again when an answer is lost. See <see cref="IBudget"/> for what is thrown.
/// </summary>
public sealed partial class PurserClient : IBudget
{
    readonly Sender sender;
    readonly TimeProvider time;

    internal TimeProvider Time => time;

    /// <summary>
    /// Over an HTTP client of one's own, whose address is not used. Its <see cref="HttpClient.Timeout"/> (100 seconds, unless it is set to
    /// another) ends what takes longer, also what has no other deadline: imports, <see cref="VerifyAsync(CancellationToken)"/> and <see
    /// cref="RebuildAsync"/>. With <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> only those of the options hold.
    /// </summary>
    public PurserClient(HttpClient http, PurserClientOptions options, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        this.time = time ?? TimeProvider.System;
        sender = new(() => http, options, this.time);
    }

    /// <summary>Takes a client of the factory for each request, so that addresses are looked up anew.</summary>
    internal PurserClient(IHttpClientFactory factory, PurserClientOptions options, TimeProvider? time)
    {
        options.Validate();
        this.time = time ?? TimeProvider.System;
        sender = new(() => PurserRegistration.Create(factory), options, this.time);
    }

    /// <summary>Where there is no dependency injection; see <see cref="PurserRegistration"/> where there is.</summary>
    public PurserClient(Uri baseAddress, string? key = null)
        : this(new HttpClient { Timeout = Timeout.InfiniteTimeSpan }, new() { BaseAddress = baseAddress, Key = key })
    {
    }

    static string Account(string account) => "/v1/accounts/" + QueryText.Segment(account);

    static string NewId() => Guid.CreateVersion7().ToString("N");
}
