// Counts the requests that a host works on, those too whose connection is gone.
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Fuzzing;

sealed class RequestsUnderWay : IObserver<KeyValuePair<string, object?>>, IDisposable
{
    const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";

    readonly IDisposable subscription;
    int count;

    public RequestsUnderWay(Microsoft.AspNetCore.Builder.WebApplication host) =>
        subscription = host.Services.GetRequiredService<DiagnosticListener>()
            .Subscribe(this, name => name.StartsWith(Request, StringComparison.Ordinal));

    /// <summary>Until the host works on none.</summary>
    public Task EndedAsync() => ServerProcess.UntilAsync(() => Volatile.Read(ref count) == 0, "a request does not end");

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Key == Request + ".Start") Interlocked.Increment(ref count);
        else if (value.Key == Request + ".Stop") Interlocked.Decrement(ref count);
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose() => subscription.Dispose();
}
