namespace Strata;

/// <summary>Streams a blob to where it is committed; the commit is the store's.</summary>
internal sealed class WriteBackWriter(IBlobWriter writer, Func<IBlobWriter, CommitOptions?, CancellationToken, ValueTask<WriteResult>> commit) : IBlobWriter
{
    public long Length => writer.Length;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => writer.WriteAsync(bytes, cancellationToken);

    public ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) => commit(writer, options, cancellationToken);

    public ValueTask DisposeAsync() => writer.DisposeAsync();
}
