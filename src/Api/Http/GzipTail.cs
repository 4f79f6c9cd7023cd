// The last four bytes of a gzip file as it is read: they say how long it is when it is unpacked.
using System.Buffers.Binary;

namespace Purser.Api;

sealed class GzipTail(Stream inner) : Stream
{
    readonly byte[] last = new byte[4];

    /// <summary>The length that the file says, cut to 32 bits.</summary>
    public uint Said => BinaryPrimitives.ReadUInt32LittleEndian(last);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        var end = buffer.Span[Math.Max(0, read - 4)..read];
        last.AsSpan(end.Length).CopyTo(last);
        end.CopyTo(last.AsSpan(4 - end.Length));
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("is read asynchronously");

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
