using System.Diagnostics;
using System.Threading.Channels;

namespace Strata.Cli;

/// <summary>
/// Copies many things side by side: one failure is reported and the rest goes on, unless a store does not answer any more. The
/// source is listed ahead of the copying, so that the progress bar knows what is to come, but never more than a bounded number
/// of items ahead.
/// </summary>
internal sealed class CopyEngine(Report report, CopyChoices choices, int parallelism, ICopyProgress progress)
{
    private const int ItemsAhead = 20_000;

    // A large blob is written in parts, several at once, which are in memory: more such copies side by side gain little.
    private const long LargeBytes = 8 << 20;
    private const int LargeAtOnce = 2;

    // Each such failure is the end of several attempts: this is a store that is gone, not a stumble.
    private const int MostUnreachedInARow = 200;

    private long _copied, _equal, _planned, _skipped, _failed, _bytes;
    private int _unreachedInARow;
    private volatile string? _gaveUp;

    /// <summary>Copies all and reports each; the last line is the summary.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IAsyncEnumerable<CopyItem> items, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        Channel<CopyItem> ahead = Channel.CreateBounded<CopyItem>(new BoundedChannelOptions(ItemsAhead) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var large = new SemaphoreSlim(LargeAtOnce);
        Task listing = ListAsync(items, ahead.Writer, stop.Token);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = stop.Token };
        try
        {
            await Parallel.ForEachAsync(ahead.Reader.ReadAllAsync(stop.Token), options, (item, cancel) => DealWithAsync(item, large, stop, cancel));
        }
        catch (OperationCanceledException) when (_gaveUp is not null && !cancellationToken.IsCancellationRequested)
        {
            Summarize(Stopwatch.GetElapsedTime(started));
            throw new CliException(ExitCode.Unavailable, $"The last {MostUnreachedInARow} copies failed for want of an answer, the last of them so: {_gaveUp} The rest was not tried; the same command goes on where this one ends.");
        }
        catch (OperationCanceledException)
        {
            Summarize(Stopwatch.GetElapsedTime(started));
            throw;
        }
        finally
        {
            await stop.CancelAsync();
            await listing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (listing.IsCompletedSuccessfully || _copied + _equal + _failed > 0) Summarize(Stopwatch.GetElapsedTime(started));
        await listing;
        return _failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Lists what is to be copied; a listing that breaks off ends the run once what was listed has been copied.</summary>
    private async Task ListAsync(IAsyncEnumerable<CopyItem> items, ChannelWriter<CopyItem> ahead, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (CopyItem item in items.WithCancellation(cancellationToken))
            {
                progress.Expect(item.Length);
                await ahead.WriteAsync(item, cancellationToken);
            }
        }
        finally
        {
            ahead.Complete();
        }
    }

    private async ValueTask DealWithAsync(CopyItem item, SemaphoreSlim large, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        bool isLarge = item.Length > LargeBytes;
        if (isLarge) await large.WaitAsync(cancellationToken);
        try
        {
            await CopyAsync(item, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            string fault = Fault.Of(e).Message;
            Done(item, CopyStatus.Failed, fault, item.Length);
            if (e is not StorageException { Kind: StorageErrorKind.Unavailable or StorageErrorKind.Timeout } || Interlocked.Increment(ref _unreachedInARow) < MostUnreachedInARow) return;
            _gaveUp = fault;
            await stop.CancelAsync();
        }
        finally
        {
            if (isLarge) large.Release();
        }
    }

    private async ValueTask CopyAsync(CopyItem item, CancellationToken cancellationToken)
    {
        if (item.CopyAsync is null)
        {
            Done(item, item.IsSkipped ? CopyStatus.Skipped : CopyStatus.Failed, item.Fault, item.Length);
            return;
        }

        if (item.IsThereAsync is not null && await item.IsThereAsync(cancellationToken))
        {
            Done(item, CopyStatus.Equal, null, item.Length);
        }
        else if (choices.IsDryRun)
        {
            Interlocked.Add(ref _bytes, item.Length);
            Done(item, CopyStatus.Planned, null, item.Length);
        }
        else
        {
            string? leftOut = await item.CopyAsync(Passed, cancellationToken);
            Done(item, leftOut is null ? CopyStatus.Copied : CopyStatus.Skipped, leftOut, leftOut is null ? 0 : item.Length);
        }

        Volatile.Write(ref _unreachedInARow, 0);

        void Passed(long bytes)
        {
            Interlocked.Add(ref _bytes, bytes);
            progress.Add(bytes);
        }
    }

    private void Done(CopyItem item, CopyStatus status, string? error, long notPassed)
    {
        Interlocked.Increment(ref CountOf(status));
        progress.Finish(notPassed);
        if (status == CopyStatus.Failed) Report.Error($"'{item.Source}' was not copied: {error}");
        if (status == CopyStatus.Skipped) report.Note($"skipped '{item.Source}': {error}");
        if (report.IsJson) report.Json(new CopiedLine(item.Source, item.Target, status, item.Length, error), JsonLines.Context.CopiedLine);
        else if (status == CopyStatus.Planned) report.Text($"would copy {item.Source} to {item.Target} ({ByteSize.Format(item.Length)})");
    }

    private ref long CountOf(CopyStatus status)
    {
        switch (status)
        {
            case CopyStatus.Copied: return ref _copied;
            case CopyStatus.Equal: return ref _equal;
            case CopyStatus.Planned: return ref _planned;
            case CopyStatus.Skipped: return ref _skipped;
            default: return ref _failed;
        }
    }

    private void Summarize(TimeSpan time)
    {
        double seconds = Math.Max(time.TotalSeconds, 0.001);
        string done = choices.IsDryRun
            ? $"would copy {Columns.Count(_planned)} ({ByteSize.Format(_bytes)})"
            : $"copied {Columns.Count(_copied)} ({ByteSize.Format(_bytes)}) in {seconds:0.0} s, {ByteSize.Format((long)(_bytes / seconds))}/s";
        report.Result(
            done + Also(_equal, "equal") + Also(_skipped, "skipped") + Also(_failed, "failed"),
            new CopiedSummary(_copied, _equal, _planned, _skipped, _failed, _bytes, Math.Round(seconds, 3)),
            JsonLines.Context.CopiedSummary);

        static string Also(long count, string what) => count > 0 ? $", {Columns.Count(count)} {what}" : "";
    }
}
