// What a class of tests, or a fixture, starts for itself, and its end: after the tests, and where the start fails half-way.
namespace Purser.Conformance;

/// <summary>xUnit does not end what failed to start: silos of which one found its port taken would stay for the rest of the run.</summary>
public abstract class Lifetime : IAsyncLifetime
{
    readonly Stack<object> started = [];

    /// <summary>Ends with the tests, before what was added before it.</summary>
    protected T Add<T>(T part) where T : notnull
    {
        started.Push(part);
        return part;
    }

    protected abstract Task StartAsync();

    public async Task InitializeAsync()
    {
        try
        {
            await StartAsync();
        }
        catch
        {
            // Why it failed is what counts, whatever becomes of the rest.
            await Task.WhenAny(DisposeAsync());
            throw;
        }
    }

    /// <summary>Whatever of it can not end, the rest does.</summary>
    public async Task DisposeAsync()
    {
        var failures = new List<Exception>();
        while (started.TryPop(out var part))
            try
            {
                if (part is IAsyncDisposable ends) await ends.DisposeAsync();
                else ((IDisposable)part).Dispose();
            }
            catch (Exception failure)
            {
                failures.Add(failure);
            }
        if (failures.Count > 0) throw new AggregateException(failures);
    }
}
