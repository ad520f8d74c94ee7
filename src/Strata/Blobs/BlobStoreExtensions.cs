using System.Buffers;
using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>Conveniences over <see cref="IBlobStore"/>, written once for every store.</summary>
public static class BlobStoreExtensions
{
    /// <summary>The blob's bytes in an array of their own, or null if it is missing. For blobs that fit in memory.</summary>
    public static async ValueTask<byte[]?> GetBytesAsync(this IBlobStore store, BlobKey key, CancellationToken cancellationToken = default)
    {
        BlobReadResult? result = await store.ReadAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (result is null) return null;
        await using (result.ConfigureAwait(false))
        {
            return await result.ToArrayAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes bytes.</summary>
    public static ValueTask<WriteResult> PutBytesAsync(
        this IBlobStore store, BlobKey key, ReadOnlyMemory<byte> bytes, WriteOptions? options = null, CancellationToken cancellationToken = default) =>
        store.WriteAsync(key, BlobContent.From(bytes), options, cancellationToken);

    /// <summary>The served bytes in an array of their own.</summary>
    public static async ValueTask<byte[]> ToArrayAsync(this BlobReadResult result, CancellationToken cancellationToken = default)
    {
        if (result.TryGetSequence(out ReadOnlySequence<byte> bytes)) return bytes.ToArray();
        byte[] array = GC.AllocateUninitializedArray<byte>(checked((int)result.Length));
        Stream stream = result.OpenStream();
        await using (stream.ConfigureAwait(false))
        {
            await stream.ReadExactlyAsync(array, cancellationToken).ConfigureAwait(false);
        }

        return array;
    }

    /// <summary>Copies the served bytes to a stream, in bounded memory.</summary>
    public static async ValueTask CopyToAsync(this BlobReadResult result, Stream target, CancellationToken cancellationToken = default)
    {
        if (result.TryGetSequence(out ReadOnlySequence<byte> bytes))
        {
            foreach (ReadOnlyMemory<byte> piece in bytes) await target.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            return;
        }

        Stream stream = result.OpenStream();
        await using (stream.ConfigureAwait(false))
        {
            await stream.CopyToAsync(target, 128 * 1024, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>All blobs whose keys begin with a prefix, in key order, page by page.</summary>
    public static async IAsyncEnumerable<BlobInfo> EnumerateAsync(
        this IBlobStore store, string prefix = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ListRequest { Prefix = prefix };
        do
        {
            ListPage page = await store.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (BlobInfo info in page.Items) yield return info;
            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
    }

    /// <summary>True if the blob exists and has not expired.</summary>
    public static async ValueTask<bool> ExistsAsync(this IBlobStore store, BlobKey key, CancellationToken cancellationToken = default) =>
        await store.StatAsync(key, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Moves a blob's expiry; an expired blob stays gone.</summary>
    public static ValueTask<WriteResult> TouchAsync(this IBlobStore store, BlobKey key, DateTimeOffset? expires, CancellationToken cancellationToken = default) =>
        store.UpdateAsync(key, new BlobChanges { Expires = expires }, default, cancellationToken);

    /// <summary>Writes the content of a stream into a writer, in bounded memory.</summary>
    public static async ValueTask WriteFromAsync(this IBlobWriter writer, Stream source, CancellationToken cancellationToken = default)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            int read;
            while ((read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                await writer.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
