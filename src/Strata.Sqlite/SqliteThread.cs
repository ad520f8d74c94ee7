using System.Collections.Concurrent;

namespace Strata.Sqlite;

/// <summary>
/// The thread that writes to a file. SQLite's calls block, a commit for as long as a flush takes or another process holds
/// the file: that must take no thread from the pool, nor from the caller who happens to lead a group.
/// </summary>
internal sealed class SqliteThread : IDisposable
{
    private readonly BlockingCollection<Job> _jobs = [];
    private readonly Thread _thread;

    public SqliteThread(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = $"Strata SQLite {name}" };
        _thread.Start();
    }

    /// <summary>Runs work after what was handed in before.</summary>
    /// <param name="work">The work.</param>
    /// <param name="continuesHere">What awaits it may go on on this thread, which spares a switch: it must neither block nor dispose the thread.</param>
    public Task RunAsync(Action work, bool continuesHere = false)
    {
        var job = new Job(work, new TaskCompletionSource(continuesHere ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously));
        _jobs.Add(job);
        return job.Completion.Task;
    }

    /// <summary>Ends it after what was handed in.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
    }

    private void Run()
    {
        foreach (Job job in _jobs.GetConsumingEnumerable())
        {
            try
            {
                job.Work();
            }
            catch (Exception e)
            {
                job.Completion.SetException(e);
                continue;
            }

            job.Completion.SetResult();
        }
    }

    private readonly record struct Job(Action Work, TaskCompletionSource Completion);
}
