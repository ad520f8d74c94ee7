using System.Buffers;
using System.Runtime.InteropServices;
using Azure.Core;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <content>Writes: one blob in one request, or blocks that are joined at the commit.</content>
public sealed partial class AzureBlobStore
{
    /// <summary>How often a write of content that can be read again begins, where others of its key overtake it.</summary>
    private const int MostStarts = 5;

    internal ArrayPool<byte> Buffers => _context.Buffers;

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = _gate.Enter("write");
        CheckWrite(key, options);
        cancellationToken.ThrowIfCancellationRequested();
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes) && bytes.Length <= _options.BlockSize)
        {
            uint checksum = Crc32C.Of(bytes);
            NewBlob.Verify(key, _options.Name, bytes.Length, checksum, content.Length, options, null);
            using MemoryStream stream = StreamOf(bytes);
            return await CommitSingleAsync(key, stream, checksum, options, null, cancellationToken).ConfigureAwait(false);
        }

        if (content.Length > AzureUpload.MaxBlobBytes) throw TooLarge(key);
        for (int start = 1; ; start++)
        {
            var writer = new AzureBlobWriter(this, key, options, content.Length);
            await using (writer.ConfigureAwait(false))
            {
                try
                {
                    Stream stream = content.OpenStream();
                    await using (stream.ConfigureAwait(false)) await writer.FillAsync(stream, cancellationToken).ConfigureAwait(false);
                    return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
                }
                catch (StorageException) when (writer.IsOvertaken && content.IsReplayable && start < MostStarts)
                {
                    _log.LogDebug("A write of '{Key}' in store '{Store}' was overtaken by another one, and begins again.", key, _options.Name);
                }
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using (_gate.Enter("write")) CheckWrite(key, options);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<IBlobWriter>(cancellationToken) : new(new AzureBlobWriter(this, key, options, null));
    }

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal StorageException TooLarge(BlobKey key) => new(
        StorageErrorKind.TooLarge, $"The blob '{key}' is longer than the {AzureUpload.MaxBlobBytes} bytes that store '{_options.Name}' takes for one blob.")
    {
        Operation = "write", Key = key, Store = _options.Name,
    };

    /// <summary>Writes content of up to one block as one request.</summary>
    internal ValueTask<WriteResult> CommitSingleAsync(BlobKey key, Stream content, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(key, content.Length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => PutAsync(key, content, info, condition), cancellationToken);

    /// <summary>Joins an upload's blocks.</summary>
    internal ValueTask<WriteResult> CommitUploadAsync(AzureUpload upload, long length, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            upload.Key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(upload.Key, length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => JoinAsync(upload, info, condition), cancellationToken);

    /// <summary>Whether the blob that is there was made by this write.</summary>
    internal async ValueTask<bool> IsOwnAsync(BlobKey key, string writeId) =>
        await HeadAsync(key, "write", CancellationToken.None).ConfigureAwait(false) is { WriteId: { } there } && there == writeId;

    /// <summary>The commit of every write and copy: looks at what is there where it must, and again whenever that changed between look and write.</summary>
    /// <param name="key">The key.</param>
    /// <param name="condition">What must hold.</param>
    /// <param name="describe">The blob, from what it replaces and a version above that.</param>
    /// <param name="send">Writes it, under what the service is to check.</param>
    /// <param name="cancellationToken">Gives up, until the write is sent.</param>
    private async ValueTask<WriteResult> CommitAsync(
        BlobKey key, WriteCondition condition, Func<BlobInfo?, Func<BlobVersion>, BlobInfo> describe, Func<BlobInfo, AzurePrecondition, ValueTask<RemoteAnswer>> send, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool looks = condition.Kind switch
        {
            WriteConditionKind.None => _options.LooksBeforeWriting || _options.KeepsTombstones is not null,
            WriteConditionKind.IfAbsent => false,
            _ => true,
        };
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = looks ? await FindAsync(key, "write", cancellationToken).ConfigureAwait(false) : null;
            BlobInfo? current = Visible(found);
            if (looks && !condition.Holds(current, Floor(found))) return WriteResult.PreconditionFailed(current);
            BlobInfo info = describe(current, () => _versions.Next(found?.Info.Version ?? default));
            AzurePrecondition guard = condition.Kind == WriteConditionKind.None ? default
                : found is null ? new AzurePrecondition(null, IsAbsent: true)
                : new AzurePrecondition(found.NativeETag);
            cancellationToken.ThrowIfCancellationRequested();
            RemoteAnswer answer = await send(info, guard).ConfigureAwait(false);
            if (answer == RemoteAnswer.Done)
            {
                await DropAppendixAsync(found).ConfigureAwait(false);
                return WriteResult.Written(info, _options.Name);
            }

            if (answer == RemoteAnswer.Missing) return WriteResult.Missing;
            looks = true;
        }

        throw Crowded("write", key);
    }

    private async ValueTask<RemoteAnswer> PutAsync(BlobKey key, Stream content, BlobInfo info, AzurePrecondition condition, bool isTombstone = false)
    {
        string writeId = NewWriteId(), name = NameOf(key, "write");
        BlobHeaders headers = BlobHeaders.Of(info, writeId, isTombstone ? info.Modified + _options.KeepsTombstones : null);
        RemoteAnswer answer = await WithAppendixAsync(key, writeId, headers, () => _calls.ChangeAsync("write", key, _options.ProgressTimeout, attempt => AnsweredAsync(async () =>
        {
            content.Position = 0;
            using var watched = new RemoteContentStream(content, attempt);
            await SendBlobAsync(name, watched, headers, condition, isBlob: !isTombstone && !IsOwn(key), attempt).ConfigureAwait(false);
        }), () => IsOwnAsync(key, writeId))).ConfigureAwait(false);

        // To be there with a certain ETag is a condition that what is missing does not meet.
        return answer == RemoteAnswer.Missing ? RemoteAnswer.Refused : answer;
    }

    private async ValueTask<RemoteAnswer> JoinAsync(AzureUpload upload, BlobInfo info, AzurePrecondition condition)
    {
        if (upload.IsOvertaken) throw upload.Overtaken();
        BlobHeaders headers = BlobHeaders.Of(info, upload.WriteId);
        return await WithAppendixAsync(upload.Key, upload.WriteId, headers, () => upload.JoinAsync(headers, condition)).ConfigureAwait(false);
    }

    /// <summary>Writes what is too long for headers before the blob that names it, and takes it back if that is refused.</summary>
    private async ValueTask<RemoteAnswer> WithAppendixAsync(BlobKey key, string writeId, BlobHeaders headers, Func<ValueTask<RemoteAnswer>> write)
    {
        if (headers.Appendix is not { } json) return await write().ConfigureAwait(false);
        var plain = new BlobHeaders("application/json", null, [], null);
        await _calls.ChangeAsync("write", key, _options.ProgressTimeout, attempt => AnsweredAsync(async () =>
        {
            using var content = new MemoryStream(json, writable: false);
            await SendBlobAsync(AppendixName(writeId), content, plain, default, isBlob: false, attempt).ConfigureAwait(false);
        }), null).ConfigureAwait(false);
        RemoteAnswer answer = await write().ConfigureAwait(false);
        if (answer != RemoteAnswer.Done) await DropAppendixAsync(writeId).ConfigureAwait(false);
        return answer;
    }

    /// <summary>What is no blob is what the store keeps for itself: it stays in the account's own tier, as that of an archive could not be read.</summary>
    private Task<AzureResponse> SendBlobAsync(string name, Stream content, BlobHeaders headers, AzurePrecondition condition, bool isBlob, RemoteAttempt attempt) => _client.SendAsync(RequestMethod.Put, name, request =>
    {
        request.Headers.SetValue("x-ms-blob-type", "BlockBlob");
        headers.AddTypes(request);
        headers.AddMetadata(request);
        AddCondition(request, condition);
        if (isBlob) AddTier(request);
        request.Content = RequestContent.Create(content);
    }, attempt);

    private ValueTask DropAppendixAsync(RemoteBlob? replaced) => replaced?.Appendix is { } name ? DropAppendixAsync(name) : default;

    /// <summary>An appendix that stays costs its few bytes and no more: that is said, and harms no write.</summary>
    private async ValueTask DropAppendixAsync(string name)
    {
        _appendices.TryRemove(name, out _);
        try
        {
            using var attempt = new RemoteAttempt(_options.ProgressTimeout, CancellationToken.None);
            await AnsweredAsync(() => _client.SendAsync(RequestMethod.Delete, AppendixName(name), null, attempt)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not StorageException)
        {
            _log.LogWarning(e, "The appendix '{Name}' of a blob that was replaced in store '{Store}' could not be removed.", AppendixName(name), _options.Name);
        }
    }

    private void CheckWrite(BlobKey key, WriteOptions? options)
    {
        Capabilities.Check(key, options, "write");
        CheckKey(key, "write");
    }

    private static MemoryStream StreamOf(in ReadOnlySequence<byte> bytes)
    {
        ArraySegment<byte> array = bytes.IsSingleSegment && MemoryMarshal.TryGetArray(bytes.First, out ArraySegment<byte> there) ? there : bytes.ToArray();
        return new MemoryStream(array.Array ?? [], array.Offset, array.Count, writable: false);
    }
}
