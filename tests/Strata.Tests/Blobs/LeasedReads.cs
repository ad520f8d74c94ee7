using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Strata.Tests;

/// <summary>A store that finds every blob, and counts what was taken and given back.</summary>
internal sealed class LeasedReads : IBlobStore
{
    private int _taken;
    private int _givenBack;

    public int Taken => Volatile.Read(ref _taken);

    public int GivenBack => Volatile.Read(ref _givenBack);

    public StoreCapabilities Capabilities { get; } = new() { Store = "leased" };

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _taken);
        return new(new Lease(this, key));
    }

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class => (facet = null) is not null;

    public ValueTask DisposeAsync() => default;

    private sealed class Lease(LeasedReads store, BlobKey key) : BlobReadResult
    {
        public override BlobInfo Info { get; } = new() { Key = key, Length = 0, ETag = "e" };

        public override string Source => "leased";

        public override bool TryGetSequence(out ReadOnlySequence<byte> sequence)
        {
            sequence = default;
            return true;
        }

        public override Stream OpenStream() => Stream.Null;

        public override ValueTask DisposeAsync()
        {
            Interlocked.Increment(ref store._givenBack);
            return base.DisposeAsync();
        }
    }
}
