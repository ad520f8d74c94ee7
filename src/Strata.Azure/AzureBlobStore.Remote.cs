using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <content>What uploads in parts and sweeps ask of the store.</content>
public sealed partial class AzureBlobStore : IRemoteStore
{
    TimeSpan? IRemoteStore.KeepsTombstones => _options.KeepsTombstones;

    int IRemoteStore.Parallelism => Math.Max(LooksAtOnce, _options.Parallelism);

    /// <inheritdoc/>
    /// <remarks>Azure's listing tells what has expired: a request for up to 5,000 blobs, and one for each that is removed.</remarks>
    public async ValueTask<SweepResult> SweepAsync(SweepOptions? options = null, IProgress<SweepResult>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new SweepOptions();
        options.Check();
        using OperationGate.Pass pass = _gate.Enter("sweep");
        return await new RemoteSweep(this, _uploads, _context.Clock, _log, options, progress).RunAsync(cancellationToken).ConfigureAwait(false);
    }

    OperationGate.Pass IRemoteStore.Enter(string operation) => _gate.Enter(operation);

    void IRemoteStore.CheckKey(BlobKey key, string operation) => CheckKey(key, operation);

    BlobVersion IRemoteStore.NextVersion() => _versions.Next();

    async IAsyncEnumerable<IReadOnlyList<RemoteListed>> IRemoteStore.ListAsync(ListRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isOwn = request.Prefix.StartsWith(Reserved, StringComparison.Ordinal);
        await foreach (IReadOnlyList<Entry> page in PagesAsync(request, cancellationToken, isOwn).ConfigureAwait(false))
            yield return [.. page.Select(e => new RemoteListed(e.Text, e.Blob?.Info.Length ?? 0, e.Blob?.Info.Modified ?? default, e.IsPrefix, e.IsPrefix ? null : e.Blob))];
    }

    ValueTask<RemoteBlob?> IRemoteStore.HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken) => HeadAsync(key, operation, cancellationToken);

    ValueTask<RemoteBlob?> IRemoteStore.FindAsync(BlobKey key, string operation, CancellationToken cancellationToken) => FindAsync(key, operation, cancellationToken);

    ValueTask<BlobReadResult?> IRemoteStore.ReadAsync(RemoteBlob of, CancellationToken cancellationToken) => ReadExactAsync(of, cancellationToken);

    IBlobWriter IRemoteStore.OpenWriter(BlobKey key) => new AzureBlobWriter(this, key, null, null);

    async ValueTask IRemoteStore.RemoveOwnAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken)
    {
        DeleteManyResult result = await RemoteDeletes.EachAsync(keys, Parallelism(cancellationToken), (key, token) => RemoveAsync(key, default, token)).ConfigureAwait(false);
        foreach (DeleteOutcome outcome in result.Outcomes)
        {
            if (outcome.Error is { } error) throw error;
        }
    }

    /// <remarks>Azure itself reads the parts; what fits into one block goes through this machine.</remarks>
    async ValueTask<WriteResult> IRemoteStore.JoinAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, uint checksum, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        CheckWrite(key, options);
        if (length <= _options.BlockSize) return await SendAgainAsync(key, pieces, length, options, commit, cancellationToken).ConfigureAwait(false);
        for (int start = 1; ; start++)
        {
            var upload = new AzureUpload(this, key, length);
            await using (upload.ConfigureAwait(false))
            {
                foreach (RemoteBlob piece in pieces)
                {
                    (string, string?) source = await _client.SourceAsync(NameOf(piece.Info.Key, "complete"), cancellationToken).ConfigureAwait(false);
                    await upload.CopyAsync(source, piece, cancellationToken).ConfigureAwait(false);
                }

                await upload.WhenSentAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
                if (upload.IsSourceChanged) return WriteResult.Missing;
                try
                {
                    return await CommitUploadAsync(upload, length, checksum, options, commit, cancellationToken).ConfigureAwait(false);
                }
                catch (StorageException) when (upload.IsOvertaken && start < MostStarts)
                {
                    _log.LogDebug("A completion of '{Key}' in store '{Store}' was overtaken by another write, and begins again.", key, _options.Name);
                }
            }
        }
    }

    async ValueTask<RemoteRemoval> IRemoteStore.RemoveDueAsync(RemoteBlob found)
    {
        BlobKey key = found.Info.Key;
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        if (await RemoveBlobAsync(key, found.NativeETag).ConfigureAwait(false) != RemoteAnswer.Done) return RemoteRemoval.Changed;
        await DropAppendixAsync(found).ConfigureAwait(false);
        return RemoteRemoval.Removed;
    }

    ValueTask IRemoteStore.RemoveAppendixAsync(string name) => DropAppendixAsync(name);

    /// <summary>Azure drops blocks that were never joined by itself.</summary>
    ValueTask<int> IRemoteStore.EndUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken) => new(0);

    private async ValueTask<BlobReadResult?> ReadExactAsync(RemoteBlob of, CancellationToken cancellationToken) =>
        (await GetAsync(of.Info.Key, NameOf(of.Info.Key, "read"), null, of, cancellationToken).ConfigureAwait(false)).Result;

    private async ValueTask<WriteResult> SendAgainAsync(
        BlobKey key, IReadOnlyList<RemoteBlob> pieces, long length, WriteOptions options, CommitOptions commit, CancellationToken cancellationToken)
    {
        var writer = new AzureBlobWriter(this, key, options, length);
        await using (writer.ConfigureAwait(false))
        {
            foreach (RemoteBlob piece in pieces)
            {
                BlobReadResult? read = await ReadExactAsync(piece, cancellationToken).ConfigureAwait(false);
                if (read is null) return WriteResult.Missing;
                await using (read.ConfigureAwait(false))
                {
                    Stream stream = read.OpenStream();
                    await using (stream.ConfigureAwait(false)) await writer.FillAsync(stream, cancellationToken).ConfigureAwait(false);
                }
            }

            return await writer.CommitAsync(commit, cancellationToken).ConfigureAwait(false);
        }
    }
}
