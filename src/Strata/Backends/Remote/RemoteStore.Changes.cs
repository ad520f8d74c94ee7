using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Updates and copies: on the server where it keeps to the conditions, else through this machine.</content>
internal sealed partial class RemoteStore
{
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = Enter("update");
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
            if (await ReplaceAsync(found, info, condition, cancellationToken).ConfigureAwait(false) != RemoteAnswer.Done) continue;
            await _appendices.DropAsync(found).ConfigureAwait(false);
            return WriteResult.Written(info, _options.Name);
        }

        throw Crowded("update", key);
    }

    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options, CancellationToken cancellationToken)
    {
        using OperationGate.Pass pass = Enter("copy");
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
                (copy, guard) => CopyAsync(from, copy, guard, cancellationToken),
                _traits.ConditionalCopy, cancellationToken).ConfigureAwait(false);

            // The source has changed since it was looked at.
            if (result.Status != WriteStatus.Missing) return result;
        }

        throw Crowded("copy", source);
    }

    /// <summary>Puts a blob's new record in the place of what was found: not Done if that is no longer there.</summary>
    private ValueTask<RemoteAnswer> ReplaceAsync(RemoteBlob found, BlobInfo info, WriteCondition condition, CancellationToken cancellationToken)
    {
        if (_traits.UpdatesInPlace) return RestateAsync(found, info);
        bool isGuarded = _options.SingleWriter || _traits.ConditionalCopy;
        bool moves = !isGuarded && _traits.ConditionalPut && (condition.Kind != WriteConditionKind.None || found.Info.Length <= _options.PartSize);
        var guard = RemotePrecondition.Of(found);
        return moves ? RewriteAsync(found, info, guard, cancellationToken) : CopyOnServerAsync(found, info, guard);
    }

    /// <summary>Missing: the source is no longer what was looked at. Refused: the target is not.</summary>
    private ValueTask<RemoteAnswer> CopyAsync(RemoteBlob from, BlobInfo copy, RemotePrecondition guard, CancellationToken cancellationToken)
    {
        if (_traits.UpdatesInPlace && from.Info.Key == copy.Key) return guard.IsAbsent ? new(RemoteAnswer.Refused) : RestateAsync(from, copy);
        return guard.IsNone || _options.SingleWriter || _traits.ConditionalCopy ? CopyOnServerAsync(from, copy, guard) : RewriteAsync(from, copy, guard, cancellationToken);
    }

    /// <summary>Writes a blob's record anew where its bytes stay. Missing: it is no longer what was looked at.</summary>
    private async ValueTask<RemoteAnswer> RestateAsync(RemoteBlob found, BlobInfo info)
    {
        BlobKey key = info.Key;
        string writeId = NewWriteId(), name = _service.NameOf(key, "update");
        RemoteHeaders headers = RemoteHeaders.Of(_traits.Record, info, writeId);
        RemoteAnswer answer = await _appendices.WithAsync(key, writeId, headers.Appendix, () => Calls.ChangeAsync(
            "update", key, _options.ProgressTimeout,
            attempt => _service.AnsweredAsync(() => _service.RestateAsync(name, headers, RemotePrecondition.Of(found), attempt)),
            () => IsOwnAsync(key, writeId))).ConfigureAwait(false);
        if (answer != RemoteAnswer.Done) return RemoteAnswer.Missing;
        await ShowTypesAsync(found.Info, info, name, headers, writeId).ConfigureAwait(false);
        return answer;
    }

    private async ValueTask<RemoteAnswer> CopyOnServerAsync(RemoteBlob from, BlobInfo info, RemotePrecondition guard)
    {
        if (from.Info.Length > _options.MaxCopyBytes) return await CopyInPartsAsync(from, info, guard).ConfigureAwait(false);
        RemotePrecondition honoured = _traits.ConditionalCopy ? guard : default;
        string writeId = NewWriteId(), name = _service.NameOf(info.Key, "copy");
        RemoteHeaders headers = RemoteHeaders.Of(_traits.Record, info, writeId);
        RemoteSource source = await _service.SourceAsync(from, "copy", CancellationToken.None).ConfigureAwait(false);
        bool isSame = true;
        RemoteAnswer answer = await _appendices.WithAsync(info.Key, writeId, headers.Appendix, () => Calls.ChangeAsync(
            "copy", info.Key, _options.ServerWorkTimeout,
            attempt => _service.AnsweredAsync(async () => isSame = await _service.CopyAsync(source, name, headers, honoured, attempt).ConfigureAwait(false)),
            () => IsOwnAsync(info.Key, writeId))).ConfigureAwait(false);
        if (answer == RemoteAnswer.Done)
        {
            // A server that ignores the condition may have copied what came behind the look.
            if (!isSame) return RemoteAnswer.Missing;
            await ShowTypesAsync(from.Info, info, name, headers, writeId).ConfigureAwait(false);
            return answer;
        }

        // Some servers have one status for two conditions: which one did not hold.
        if (answer == RemoteAnswer.Missing || honoured.IsNone) return RemoteAnswer.Missing;
        RemoteBlob? there = await HeadAsync(from.Info.Key, "copy", CancellationToken.None).ConfigureAwait(false);
        return there?.NativeETag == from.NativeETag ? RemoteAnswer.Refused : RemoteAnswer.Missing;
    }

    private async ValueTask<RemoteAnswer> CopyInPartsAsync(RemoteBlob from, BlobInfo info, RemotePrecondition guard)
    {
        RemoteUpload upload = await BeginUploadAsync(info, info.Length, CancellationToken.None).ConfigureAwait(false);
        await using (upload.ConfigureAwait(false))
        {
            RemoteSource source = await _service.SourceAsync(from, "copy", CancellationToken.None).ConfigureAwait(false);
            await upload.CopyAsync(source, 0, from.Info.Length, CancellationToken.None).ConfigureAwait(false);
            await upload.WhenSentAsync().ConfigureAwait(false);
            if (upload.IsSourceChanged || !await IsStillAsync(from).ConfigureAwait(false)) return RemoteAnswer.Missing;

            // Overtaken: the copy is sent again by the commit's next look, as nothing of it went through this machine.
            return await JoinAsync(upload, info, guard).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the server, which may ignore the condition on a copy's source, has read what was looked at.</summary>
    private async ValueTask<bool> IsStillAsync(RemoteBlob source) =>
        _traits.CopySourceMatch || (await HeadAsync(source.Info.Key, "copy", CancellationToken.None).ConfigureAwait(false))?.NativeETag == source.NativeETag;

    /// <summary>Reads the source and writes it under a condition that the server honours on writes alone.</summary>
    private async ValueTask<RemoteAnswer> RewriteAsync(RemoteBlob from, BlobInfo info, RemotePrecondition guard, CancellationToken cancellationToken)
    {
        if (from.Info.Length > _traits.MaxSingleBytes) throw TooLarge(info.Key, new WriteOptions { Condition = WriteCondition.IfAbsent });
        BlobReadResult? read = await ReadAsync(from, cancellationToken).ConfigureAwait(false);
        if (read is null) return from.Info.Key == info.Key ? RemoteAnswer.Refused : RemoteAnswer.Missing;
        await using (read.ConfigureAwait(false))
        {
            Stream content = from.Info.Length > _options.PartSize ? CreateSpool(info.Key) : new MemoryStream();
            await using (content.ConfigureAwait(false))
            {
                await read.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
                await content.FlushAsync(cancellationToken).ConfigureAwait(false);
                return await PutAsync(info.Key, content, info, guard).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Shows others the types that the record has: they, not the record, are behind until then. A failure is said, and harms no write.</summary>
    private async ValueTask ShowTypesAsync(BlobInfo before, BlobInfo after, string name, RemoteHeaders headers, string writeId)
    {
        if (before.ContentType == after.ContentType && before.ContentEncoding == after.ContentEncoding) return;
        try
        {
            using var attempt = new RemoteAttempt(_options.ProgressTimeout, CancellationToken.None);
            await _service.AnsweredAsync(() => _service.ShowTypesAsync(after.Key, name, headers, writeId, attempt)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not StorageException)
        {
            _log.LogWarning(e, "'{Key}' in store '{Store}' has a new content type, which others do not see in its headers: they could not be set.", after.Key, _options.Name);
        }
    }
}
