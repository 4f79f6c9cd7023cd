// A folder of a test, gone with it.
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests;

public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = ServerProcess.NewFolder("test");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
