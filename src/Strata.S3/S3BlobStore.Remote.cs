using Amazon.S3.Model;
using SdkUpload = Amazon.S3.Model.MultipartUpload;

namespace Strata.S3;

/// <content>What uploads in parts and sweeps ask of the store.</content>
public sealed partial class S3BlobStore : IRemoteStore
{
    TimeSpan? IRemoteStore.KeepsTombstones => _options.KeepsTombstones;

    int IRemoteStore.Parallelism => Math.Max(16, _options.Parallelism);

    /// <inheritdoc/>
    /// <remarks>
    /// S3's listing tells no expiry: a look at each object, some at once, unless <see cref="SweepOptions.OnlyTombstones"/> is set. A
    /// server that ignores conditions on deletes has expired blobs replaced by tombstones, which stay, unless this is the only writer.
    /// </remarks>
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

    async IAsyncEnumerable<IReadOnlyList<RemoteListed>> IRemoteStore.ListAsync(ListRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isOwn = request.Prefix.StartsWith(Reserved, StringComparison.Ordinal);
        await foreach (ServerPage page in PagesAsync(request, cancellationToken, isOwn).ConfigureAwait(false))
            yield return [.. page.Entries.Select(e => new RemoteListed(e.Text, e.Listed?.Length ?? 0, e.Listed?.Modified ?? default, IsPrefix: e.Listed is null, null))];
    }

    ValueTask<RemoteBlob?> IRemoteStore.HeadAsync(BlobKey key, string operation, CancellationToken cancellationToken) => HeadAsync(key, operation, cancellationToken);

    ValueTask<RemoteBlob?> IRemoteStore.FindAsync(BlobKey key, string operation, CancellationToken cancellationToken) => FindAsync(key, operation, cancellationToken);

    ValueTask<BlobReadResult?> IRemoteStore.ReadAsync(RemoteBlob of, CancellationToken cancellationToken) => ReadExactAsync(of.Info.Key, of, cancellationToken);

    IBlobWriter IRemoteStore.OpenWriter(BlobKey key) => new S3BlobWriter(this, key, null, null);

    async ValueTask IRemoteStore.RemoveOwnAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken)
    {
        var outcomes = new DeleteOutcome[keys.Count];
        for (int from = 0; from < keys.Count; from += MostInOneRequest)
            await DeletePageAsync(keys, from, Math.Min(from + MostInOneRequest, keys.Count), outcomes, cancellationToken).ConfigureAwait(false);
        if (Array.Find(outcomes, o => o.Status == DeleteStatus.Failed) is { Error: { } error }) throw error;
    }

    async ValueTask<RemoteRemoval> IRemoteStore.RemoveDueAsync(RemoteBlob found)
    {
        BlobKey key = found.Info.Key;
        using KeyLocks.Held held = await _locks.EnterAsync(key, CancellationToken.None).ConfigureAwait(false);
        bool isGuarded = _provider.Honours(S3Abilities.ConditionalDelete);
        RemoteAnswer answer;
        if (isGuarded || _options.SingleWriter)
        {
            if (!isGuarded && (await HeadAsync(key, "sweep", CancellationToken.None).ConfigureAwait(false))?.WriteId != found.WriteId) return RemoteRemoval.Changed;
            answer = await RemoveObjectAsync(key, NameOf(key, "sweep"), isGuarded ? found.NativeETag : null).ConfigureAwait(false);
        }
        else
        {
            if (found.Info.Length <= RemoteTombstone.Bytes || !_provider.Honours(S3Abilities.ConditionalPut)) return RemoteRemoval.Kept;
            answer = await BuryAsync(key, found, found.Info.Version).ConfigureAwait(false);
        }

        if (answer == RemoteAnswer.Refused) return RemoteRemoval.Changed;
        await DropAppendixAsync(found).ConfigureAwait(false);
        return isGuarded || _options.SingleWriter ? RemoteRemoval.Removed : RemoteRemoval.Buried;
    }

    ValueTask IRemoteStore.RemoveAppendixAsync(string name) => DropAppendixAsync(name);

    async ValueTask<int> IRemoteStore.EndUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        int ended = 0;
        var request = new ListMultipartUploadsRequest { BucketName = _options.Bucket, Prefix = _options.Prefix };
        ListMultipartUploadsResponse page;
        do
        {
            page = await _calls.ReadAsync("sweep", null, attempt => _client.ListMultipartUploadsAsync(request, attempt.Token), cancellationToken).ConfigureAwait(false);
            foreach (SdkUpload upload in page.MultipartUploads ?? [])
            {
                if (upload.Initiated is not { } begun || begun.ToUniversalTime() >= before.UtcDateTime || _sending.Keys.Any(s => s.UploadId == upload.UploadId)) continue;
                await _calls.ReadAsync(
                    "sweep", null, attempt => AnsweredAsync(() => _client.AbortMultipartUploadAsync(_options.Bucket, upload.Key, upload.UploadId, attempt.Token)), cancellationToken).ConfigureAwait(false);
                ended++;
            }

            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
        return ended;
    }
}
