using Azure.Core;
using Microsoft.Extensions.Logging;

namespace Strata.Azure;

/// <content>Updates and copies: by the service, which moves no payload through this machine.</content>
public sealed partial class AzureBlobStore
{
    /// <inheritdoc/>
    /// <remarks>Moves no payload. The headers by which others see a changed content type follow the commit in a second request.</remarks>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = _gate.Enter("update");
        Capabilities.Check(key, condition, "update");
        CheckKey(key, "update");
        BlobLimits.Check(changes);
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = await FindAsync(key, "update", cancellationToken).ConfigureAwait(false);
            if (found is null || Visible(found) is not { } current) return WriteResult.Missing;
            if (!condition.Holds(current)) return WriteResult.PreconditionFailed(current);
            BlobInfo info = NewBlob.Update(current, changes, _versions.Next(current.Version), Now);
            cancellationToken.ThrowIfCancellationRequested();
            if (await RestateAsync(key, found, info).ConfigureAwait(false) != RemoteAnswer.Done) continue;
            await DropAppendixAsync(found).ConfigureAwait(false);
            return WriteResult.Written(info, _options.Name);
        }

        throw Crowded("update", key);
    }

    /// <inheritdoc/>
    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _gate.Enter("copy");
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        CheckKey(source, "copy");
        CheckKey(target, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        cancellationToken.ThrowIfCancellationRequested();
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? from = await FindAsync(source, "copy", cancellationToken).ConfigureAwait(false);
            if (from is null || Visible(from) is not { } info) return WriteResult.Missing;
            if (options?.SourceCondition.Holds(info) == false) return WriteResult.PreconditionFailed(info);
            WriteOptions written = NewBlob.CopyOf(info, options);
            WriteResult result = await CommitAsync(
                target, written.Condition,
                (replaced, version) => NewBlob.Describe(target, info.Length, info.Checksum ?? 0, written, null, replaced, version(), Now) with { Checksum = info.Checksum },
                (copy, guard) => source == target ? guard.IsAbsent ? new(RemoteAnswer.Refused) : RestateAsync(source, from, copy) : info.Length > _options.MaxCopyBytes ? CopyInBlocksAsync(source, from, copy, guard) : CopyAtOnceAsync(source, from, copy, guard),
                cancellationToken).ConfigureAwait(false);

            // The source has changed since it was looked at.
            if (result.Status != WriteStatus.Missing) return result;
        }

        throw Crowded("copy", source);
    }

    /// <summary>Writes a blob's record anew where its bytes stay. Missing: it is no longer what was looked at.</summary>
    private async ValueTask<RemoteAnswer> RestateAsync(BlobKey key, RemoteBlob found, BlobInfo info)
    {
        string writeId = NewWriteId(), name = NameOf(key, "update");
        BlobHeaders headers = BlobHeaders.Of(info, writeId);
        RemoteAnswer answer = await WithAppendixAsync(key, writeId, headers, () => _calls.ChangeAsync(
            "update", key, _options.ProgressTimeout,
            attempt => AnsweredAsync(() => _client.SendAsync(RequestMethod.Put, name, request =>
            {
                request.Uri.AppendQuery("comp", "metadata");
                headers.AddMetadata(request);
                AddCondition(request, new AzurePrecondition(found.NativeETag));
            }, attempt)),
            () => IsOwnAsync(key, writeId))).ConfigureAwait(false);
        if (answer != RemoteAnswer.Done) return RemoteAnswer.Missing;
        if (HasOtherTypes(found.Info, info)) await ShowTypesAsync(key, name, writeId, headers).ConfigureAwait(false);
        return answer;
    }

    /// <summary>Missing: the source is no longer what was looked at. Refused: the target is not.</summary>
    private async ValueTask<RemoteAnswer> CopyAtOnceAsync(BlobKey source, RemoteBlob from, BlobInfo info, AzurePrecondition guard)
    {
        string writeId = NewWriteId(), targetName = NameOf(info.Key, "copy");
        BlobHeaders headers = BlobHeaders.Of(info, writeId);
        (string address, string? authorization) = await _client.SourceAsync(NameOf(source, "copy"), CancellationToken.None).ConfigureAwait(false);
        RemoteAnswer answer = await WithAppendixAsync(info.Key, writeId, headers, () => _calls.ChangeAsync(
            "copy", info.Key, _options.ServerWorkTimeout,
            attempt => AnsweredAsync(() => _client.SendAsync(RequestMethod.Put, targetName, request =>
            {
                request.Headers.SetValue("x-ms-copy-source", address);
                request.Headers.SetValue("x-ms-requires-sync", "true");
                if (authorization is not null) request.Headers.SetValue("x-ms-copy-source-authorization", authorization);
                request.Headers.SetValue("x-ms-source-if-match", from.NativeETag);
                headers.AddMetadata(request);
                AddCondition(request, guard);
                AddTier(request);
            }, attempt)),
            () => IsOwnAsync(info.Key, writeId))).ConfigureAwait(false);
        if (answer == RemoteAnswer.Done && HasOtherTypes(from.Info, info)) await ShowTypesAsync(info.Key, targetName, writeId, headers).ConfigureAwait(false);
        return answer == RemoteAnswer.Refused ? await WhichAsync(source, from, guard).ConfigureAwait(false) : answer;
    }

    private async ValueTask<RemoteAnswer> CopyInBlocksAsync(BlobKey source, RemoteBlob from, BlobInfo info, AzurePrecondition guard)
    {
        var upload = new AzureUpload(this, info.Key, info.Length);
        await using (upload.ConfigureAwait(false))
        {
            await upload.CopyAsync(await _client.SourceAsync(NameOf(source, "copy"), CancellationToken.None).ConfigureAwait(false), from, CancellationToken.None).ConfigureAwait(false);
            await upload.WhenSentAsync().ConfigureAwait(false);
            if (upload.IsSourceChanged) return RemoteAnswer.Missing;

            // Overtaken: the copy is sent again by the commit's next look, as nothing of it went through this machine.
            return await JoinAsync(upload, info, guard).ConfigureAwait(false);
        }
    }

    /// <summary>Some servers have one status for two conditions: which one did not hold.</summary>
    private async ValueTask<RemoteAnswer> WhichAsync(BlobKey source, RemoteBlob from, AzurePrecondition guard)
    {
        if (guard.IsNone) return RemoteAnswer.Missing;
        RemoteBlob? there = await HeadAsync(source, "copy", CancellationToken.None).ConfigureAwait(false);
        return there?.NativeETag == from.NativeETag ? RemoteAnswer.Refused : RemoteAnswer.Missing;
    }

    private static bool HasOtherTypes(BlobInfo before, BlobInfo after) => before.ContentType != after.ContentType || before.ContentEncoding != after.ContentEncoding;

    /// <summary>Shows others the types that the record has: they, not the record, are behind until then. A failure is said, and harms no write.</summary>
    private async ValueTask ShowTypesAsync(BlobKey key, string name, string writeId, BlobHeaders headers)
    {
        try
        {
            using var attempt = new RemoteAttempt(_options.ProgressTimeout, CancellationToken.None);
            await AnsweredAsync(async () =>
            {
                AzureResponse head = await _client.SendAsync(RequestMethod.Head, name, null, attempt).ConfigureAwait(false);
                if (Parse(key, head, head.ContentLength).WriteId != writeId) return;
                await _client.SendAsync(RequestMethod.Put, name, request =>
                {
                    // What is not said is cleared.
                    request.Uri.AppendQuery("comp", "properties");
                    headers.AddTypes(request);
                    foreach (string kept in (string[])["Cache-Control", "Content-Disposition", "Content-Language", "Content-MD5"])
                    {
                        if (head.Header(kept) is { } value) request.Headers.SetValue($"x-ms-blob-{kept.ToLowerInvariant()}", value);
                    }

                    AddCondition(request, new AzurePrecondition(head.Header("ETag")));
                }, attempt).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not StorageException)
        {
            _log.LogWarning(e, "'{Key}' in store '{Store}' has a new content type, which others do not see in its headers: they could not be set.", key, _options.Name);
        }
    }
}
