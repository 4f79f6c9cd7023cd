// A folder of a test, gone with it.
namespace Purser.Embedded.Tests;

public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("purser-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
