// A real host whose time a test moves: what it tells of days and nights is heard within a second. Its alerts go to stand-ins of this
// machine, a mail server among them, and its log is kept.
using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Conformance.Http;

/// <summary>One for the suites of telling, which use accounts of their own. Time only goes forward.</summary>
public abstract class TellingFacade : HttpFacade
{
    /// <summary>A Thursday.</summary>
    public static readonly DateTimeOffset Start = new(2026, 5, 28, 12, 0, 0, TimeSpan.Zero);

    /// <summary>As few as a test needs to fill the host.</summary>
    public const int MostListeners = 3;

    public ShiftedTime Clock { get; } = new(Start);

    public MailReceiver Mail { get; private set; } = null!;

    /// <summary>What the host wrote to its log about alerts.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>The ledger beneath the host.</summary>
    public abstract IStore Ledger { get; }

    /// <summary>A backup, in the way that an operator of this host takes one.</summary>
    public abstract Task BackupAsync();

    /// <summary>Settings of the host.</summary>
    protected (string Name, string Value)[] Settings =>
    [
        ("PURSER_SMTP", string.Create(CultureInfo.InvariantCulture, $"smtp://127.0.0.1:{Mail.Port}?tls=none")),
        ("PURSER_WEBHOOK_TARGETS", "any"), ("PURSER_EVENT_LISTENERS", MostListeners.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>The log of the host is kept from here on.</summary>
    protected void KeepLog(IServiceCollection services)
    {
        services.AddSingleton<ILoggerProvider>(new Keeper(Log));
        services.Configure<LoggerFilterOptions>(filters => filters.Rules.Add(new(null, Keeper.Category, LogLevel.Information, null)));
    }

    protected sealed override async Task StartAsync()
    {
        Mail = Add(new MailReceiver());
        Client = Add(AnswerCheck.ClientOf(await StartHostAsync()));
    }

    /// <summary>Starts the host; where it answers.</summary>
    protected abstract Task<Uri> StartHostAsync();

    public virtual Task PassAsync(TimeSpan by)
    {
        Clock.Shift(by);
        return Task.CompletedTask;
    }

    public Task PassToAsync(DateTimeOffset to)
    {
        Assert.True(to > Clock.GetUtcNow(), $"it is {Clock.GetUtcNow():u} already");
        return PassAsync(to - Clock.GetUtcNow());
    }

    public sealed override Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings) =>
        throw new NotSupportedException("there is one such host, and it needs no key");

    /// <summary>A stream of events, once there is room for it: one that was left a moment ago may still have its place.</summary>
    public async Task<HttpResponseMessage> StreamAsync(string path)
    {
        HttpResponseMessage? response = null;
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            response = await Client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            if (response.StatusCode != System.Net.HttpStatusCode.ServiceUnavailable) return true;
            response.Dispose();
            return false;
        }, () => "there is no room for a listener");
        Assert.Equal(System.Net.HttpStatusCode.OK, response!.StatusCode);
        return response;
    }

    public async Task<EventListener> ListenAsync(string path) => await EventListener.OfAsync(await StreamAsync(path), path);

    /// <summary>A call that has to be done.</summary>
    public static async Task<Reply> DoneAsync(Task<Reply> sent)
    {
        var reply = await sent;
        Assert.True(reply.Code is 200 or 201, reply.Text);
        return reply;
    }

    sealed class Keeper(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public const string Category = "Purser.Api.Alerts.LogSender";

        public ILogger CreateLogger(string categoryName) => categoryName == Category ? this
            : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => lines.Enqueue($"{logLevel}: {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
