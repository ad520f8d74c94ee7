using Amazon.S3.Model;

namespace Strata.S3;

/// <content>Updates and copies: on the server where it keeps to the conditions, else through this machine.</content>
public sealed partial class S3BlobStore
{
    /// <inheritdoc/>
    /// <remarks>
    /// Moves no payload where the server copies an object onto itself under a condition, or where this is the only writer.
    /// Elsewhere a blob of up to one part is read and written under a condition; a longer one is copied by the server without
    /// one unless the caller asked for it, so that another process's write within that moment may be undone.
    /// </remarks>
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
            var guard = new S3Precondition(found.NativeETag);
            bool isGuarded = _options.SingleWriter || _provider.Honours(S3Abilities.ConditionalCopy);
            bool moves = !isGuarded && _provider.Honours(S3Abilities.ConditionalPut) && (condition.Kind != WriteConditionKind.None || current.Length <= _options.PartSize);
            RemoteAnswer answer = moves
                ? await RewriteAsync(key, found, key, info, guard, cancellationToken).ConfigureAwait(false)
                : await CopyOnServerAsync(key, found, key, info, guard).ConfigureAwait(false);
            if (answer != RemoteAnswer.Done) continue;
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
                (copy, guard) => guard.IsNone || _options.SingleWriter || _provider.Honours(S3Abilities.ConditionalCopy)
                    ? CopyOnServerAsync(source, from, target, copy, guard)
                    : RewriteAsync(source, from, target, copy, guard, cancellationToken),
                S3Abilities.ConditionalCopy, cancellationToken).ConfigureAwait(false);

            // The source has changed since it was looked at.
            if (result.Status != WriteStatus.Missing) return result;
        }

        throw Crowded("copy", source);
    }

    /// <summary>Copies on the server. Missing: the source is no longer what was looked at. Refused: the target is not.</summary>
    private async ValueTask<RemoteAnswer> CopyOnServerAsync(BlobKey source, RemoteBlob from, BlobKey target, BlobInfo info, S3Precondition guard)
    {
        S3Precondition honoured = _provider.Honours(S3Abilities.ConditionalCopy) ? guard : default;
        if (from.Info.Length > _options.MaxCopyBytes) return await CopyInPartsAsync(source, from, info, guard).ConfigureAwait(false);
        string writeId = NewWriteId(), sourceName = NameOf(source, "copy"), targetName = NameOf(target, "copy");
        ObjectHeaders headers = ObjectHeaders.Of(info, writeId);
        if (headers.Appendix is { } appendix) await PutAppendixAsync(target, writeId, appendix).ConfigureAwait(false);
        string? made = null;
        RemoteAnswer answer = await _calls.ChangeAsync("copy", target, _options.ServerWorkTimeout, attempt => AnsweredAsync(async () =>
        {
            CopyObjectRequest request = Requests.Copy(sourceName, from.NativeETag, targetName, headers, honoured);
            made = Unquoted((await _client.CopyObjectAsync(request, attempt.Token).ConfigureAwait(false)).ETag);
        }), () => IsOwnAsync(target, writeId)).ConfigureAwait(false);
        if (answer != RemoteAnswer.Done)
        {
            if (headers.Appendix is not null) await DropAppendixAsync(writeId).ConfigureAwait(false);

            // One status for two conditions.
            if (answer == RemoteAnswer.Missing || honoured.IsNone) return RemoteAnswer.Missing;
            RemoteBlob? there = await HeadAsync(source, "copy", CancellationToken.None).ConfigureAwait(false);
            return there?.NativeETag == from.NativeETag ? RemoteAnswer.Refused : RemoteAnswer.Missing;
        }

        // A server that ignores the condition may have copied what came behind the look: then its digest is another.
        bool isOther = !_provider.Honours(S3Abilities.CopySourceMatch) && made is { Length: > 0 } && !made.Contains('-', StringComparison.Ordinal)
            && !from.NativeETag.Contains('-', StringComparison.Ordinal) && made != from.NativeETag;
        return isOther ? RemoteAnswer.Missing : RemoteAnswer.Done;
    }

    private async ValueTask<RemoteAnswer> CopyInPartsAsync(BlobKey source, RemoteBlob from, BlobInfo info, S3Precondition guard)
    {
        S3Upload upload = await S3Upload.BeginAsync(this, info, info.Length, CancellationToken.None).ConfigureAwait(false);
        await using (upload.ConfigureAwait(false))
        {
            await upload.CopyAsync(NameOf(source, "copy"), from.NativeETag, 0, from.Info.Length, CancellationToken.None).ConfigureAwait(false);
            await upload.WhenSentAsync().ConfigureAwait(false);
            if (upload.IsSourceChanged || !await IsStillAsync(source, from).ConfigureAwait(false)) return RemoteAnswer.Missing;
            return await CompleteAsync(upload, info, guard).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the server, which may ignore the condition on a copy's source, has read what was looked at.</summary>
    private async ValueTask<bool> IsStillAsync(BlobKey source, RemoteBlob from) =>
        _provider.Honours(S3Abilities.CopySourceMatch) || (await HeadAsync(source, "copy", CancellationToken.None).ConfigureAwait(false))?.NativeETag == from.NativeETag;

    /// <summary>Reads the source and writes it under a condition that the server honours on writes alone.</summary>
    private async ValueTask<RemoteAnswer> RewriteAsync(BlobKey source, RemoteBlob from, BlobKey target, BlobInfo info, S3Precondition guard, CancellationToken cancellationToken)
    {
        if (from.Info.Length > S3BlobStoreOptions.MaxSingleBytes) throw TooLarge(target, new WriteOptions { Condition = WriteCondition.IfAbsent });
        BlobReadResult? read = await ReadExactAsync(source, from, cancellationToken).ConfigureAwait(false);
        if (read is null) return source == target ? RemoteAnswer.Refused : RemoteAnswer.Missing;
        await using (read.ConfigureAwait(false))
        {
            Stream content = from.Info.Length > _options.PartSize ? CreateSpool(target) : new MemoryStream();
            await using (content.ConfigureAwait(false))
            {
                await read.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
                await content.FlushAsync(cancellationToken).ConfigureAwait(false);
                return await PutAsync(target, content, info, guard).ConfigureAwait(false);
            }
        }
    }
}
