using System.Diagnostics;
using System.Threading.Channels;

namespace Strata.Cli;

/// <summary>
/// Copies many things side by side: one failure is reported and the rest goes on. The source is listed ahead of the
/// copying, so that the progress bar knows what is to come, but never more than a bounded number of items ahead.
/// </summary>
internal sealed class CopyEngine(Report report, int parallelism, ICopyProgress progress)
{
    private const int ItemsAhead = 20_000;

    private long _copied, _skipped, _failed, _bytes;

    /// <summary>Copies all and reports each; the last line is the summary.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IAsyncEnumerable<CopyItem> items, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        Channel<CopyItem> ahead = Channel.CreateBounded<CopyItem>(new BoundedChannelOptions(ItemsAhead) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task listing = ListAsync(items, ahead.Writer, stop.Token);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        try
        {
            await Parallel.ForEachAsync(ahead.Reader.ReadAllAsync(cancellationToken), options, CopyAsync);
        }
        finally
        {
            await stop.CancelAsync();
            await listing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (listing.IsCompletedSuccessfully || _copied + _failed > 0) Summarize(Stopwatch.GetElapsedTime(started));
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

    private async ValueTask CopyAsync(CopyItem item, CancellationToken cancellationToken)
    {
        if (item.CopyAsync is null)
        {
            Done(item, item.IsSkipped ? CopyStatus.Skipped : CopyStatus.Failed, item.Fault);
            return;
        }

        try
        {
            await item.CopyAsync(Passed, cancellationToken);
            Done(item, CopyStatus.Copied, null);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Done(item, CopyStatus.Failed, Fault.Of(e).Message);
        }

        void Passed(long bytes)
        {
            Interlocked.Add(ref _bytes, bytes);
            progress.Add(bytes);
        }
    }

    private void Done(CopyItem item, CopyStatus status, string? error)
    {
        Interlocked.Increment(ref status == CopyStatus.Copied ? ref _copied : ref status == CopyStatus.Skipped ? ref _skipped : ref _failed);
        if (status == CopyStatus.Failed) Report.Error($"'{item.Source}' was not copied: {error}");
        if (status == CopyStatus.Skipped) report.Note($"skipped '{item.Source}': {error}");
        if (report.IsJson) report.Json(new CopiedLine(item.Source, item.Target, status, item.Length, error), JsonLines.Context.CopiedLine);
    }

    private void Summarize(TimeSpan time)
    {
        double seconds = Math.Max(time.TotalSeconds, 0.001);
        string rest = (_skipped > 0 ? $", {Columns.Count(_skipped)} skipped" : "") + (_failed > 0 ? $", {Columns.Count(_failed)} failed" : "");
        report.Result(
            $"copied {Columns.Count(_copied)} ({ByteSize.Format(_bytes)}) in {seconds:0.0} s, {ByteSize.Format((long)(_bytes / seconds))}/s{rest}",
            new CopiedSummary(_copied, _skipped, _failed, _bytes, Math.Round(seconds, 3)),
            JsonLines.Context.CopiedSummary);
    }
}
