namespace Strata;

/// <summary>Makes a copy of one write in a tier above the origin, unless another write passes meanwhile.</summary>
internal sealed class TierCopies(Fences fences, Trust trust)
{
    /// <summary>Makes a copy, or sees that there is one.</summary>
    /// <param name="info">The write.</param>
    /// <param name="generation">The generation captured before it was looked at.</param>
    /// <param name="stamp">How long the origin's answer that it stems from may be relied on.</param>
    /// <param name="bytes">Its payload where it is in memory.</param>
    /// <param name="source">Where to read it otherwise.</param>
    /// <param name="target">The tier.</param>
    /// <param name="isFill">True if a write asks for the copy.</param>
    /// <param name="cancellationToken">Gives up until the copy is published.</param>
    /// <returns>Moved, Unchanged, or Overtaken; Missing if the source does not hold the write.</returns>
    public async ValueTask<MoveStatus> CopyAsync(
        BlobInfo info, long generation, TrustStamp stamp, byte[]? bytes, TierCounters source, UpperTier target, bool isFill, CancellationToken cancellationToken)
    {
        BlobInfo? held = await target.StatAsync(info.Key, cancellationToken).ConfigureAwait(false);
        target.NoteAnswer();
        if (held?.IsSameWriteAs(info) == true)
        {
            bool isConfirmed = await fences.TryPublishAsync(info.Key, generation, () =>
            {
                trust.Confirm(info, stamp);
                return default;
            }).ConfigureAwait(false);
            return isConfirmed ? MoveStatus.Unchanged : MoveStatus.Overtaken;
        }

        IBlobWriter writer = await target.OpenWriterAsync(info, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            if (bytes is not null) await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            else if (!await ReadAsync(info, source, writer, cancellationToken).ConfigureAwait(false)) return MoveStatus.Missing;
            cancellationToken.ThrowIfCancellationRequested();
            bool isPublished = await fences.TryPublishAsync(info.Key, generation, async () =>
            {
                await writer.CommitAsync(null, CancellationToken.None).ConfigureAwait(false);
                target.NoteCopy(info, isFill);
                trust.Confirm(info, stamp);
            }).ConfigureAwait(false);
            return isPublished ? MoveStatus.Moved : MoveStatus.Overtaken;
        }
    }

    private static async ValueTask<bool> ReadAsync(BlobInfo info, TierCounters source, IBlobWriter writer, CancellationToken cancellationToken)
    {
        BlobReadResult? read = await source.ReadAsync(info.Key, new ReadOptions { IfMatch = info.ETag }, cancellationToken).ConfigureAwait(false);
        if (read is null) return false;
        await using (read.ConfigureAwait(false))
        {
            if (read.Status != BlobReadStatus.Found || !read.Info.IsSameWriteAs(info)) return false;
            Stream stream = read.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            return true;
        }
    }
}
