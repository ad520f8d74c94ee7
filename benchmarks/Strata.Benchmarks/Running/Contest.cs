namespace Strata.Benchmarks;

/// <summary>
/// Lanes that run interleaved, so that what else the machine does falls on all of them alike: every round runs each lane
/// once, beginning with another one each time. Its rows compare any two.
/// </summary>
internal sealed class Contest(string caseName, RunSettings settings, Action<string> progress)
{
    private readonly List<Lane> _lanes = [];
    private readonly List<Comparison> _rows = [];

    public RunSettings Settings => settings;

    public IReadOnlyList<Comparison> Rows => _rows;

    /// <summary>A lane whose work runs on the calling thread: a number of operations.</summary>
    public Lane Add(string name, Action<int> work, ServerProcess? server = null)
    {
        return Add(name, RunAsync, server: server);

        Task RunAsync(int thread, int operations)
        {
            work(operations);
            return Task.CompletedTask;
        }
    }

    /// <summary>A lane whose work is asynchronous.</summary>
    /// <param name="name">What the table calls it.</param>
    /// <param name="work">Does a number of operations; the first argument is the thread's number.</param>
    /// <param name="threads">How many threads do it at once.</param>
    /// <param name="server">The server that is asked, if its use of the processor shall be known.</param>
    public Lane Add(string name, Func<int, int, Task> work, int threads = 1, ServerProcess? server = null)
    {
        var lane = new Lane(name, threads, work) { Server = server };
        _lanes.Add(lane);
        return lane;
    }

    /// <summary>Warms up all lanes, then runs the rounds. Lanes that are added later run by a later call.</summary>
    public async Task RunAsync()
    {
        await WarmUpAsync();
        for (int round = 0; round < settings.Rounds; round++)
        {
            progress($"{caseName}: round {round + 1} of {settings.Rounds}");
            for (int i = 0; i < _lanes.Count; i++) await _lanes[(i + round) % _lanes.Count].RunRoundAsync();
        }

        _lanes.Clear();
    }

    /// <summary>
    /// Warms the lanes up in turns, so that what the runtime learns from the first (which type stands behind an
    /// interface) does not favour it.
    /// </summary>
    private async Task WarmUpAsync()
    {
        progress($"{caseName}: warming up {_lanes.Count} lanes");
        var spent = new TimeSpan[_lanes.Count];
        while (spent.Min() < settings.WarmUp)
        {
            for (int i = 0; i < _lanes.Count; i++)
            {
                if (spent[i] < settings.WarmUp) spent[i] += await _lanes[i].WarmUpAsync(settings);
            }
        }

        foreach (Lane lane in _lanes) await lane.CalibrateAsync(settings);
    }

    /// <summary>
    /// Runs what needs something built anew each time, or taken away, that shall not be timed: no lane can say that. Every
    /// trial once without being kept, then the rounds, beginning with another trial each time.
    /// </summary>
    /// <param name="trials">What the table calls each, and one measurement of it.</param>
    /// <returns>The measurements, in the order of the trials.</returns>
    public async Task<Series[]> RunTrialsAsync(params (string Name, Func<Task<double>> MeasureAsync)[] trials)
    {
        List<double>[] figures = [.. trials.Select(_ => new List<double>())];
        for (int round = -1; round < settings.Rounds; round++)
        {
            progress($"{caseName}: {(round < 0 ? "warming up" : $"round {round + 1} of {settings.Rounds}")}");
            for (int i = 0; i < trials.Length; i++)
            {
                int next = (i + round + 1) % trials.Length;
                GC.Collect();
                GC.WaitForPendingFinalizers();
                double figure = await trials[next].MeasureAsync();
                if (round >= 0) figures[next].Add(figure);
            }
        }

        return [.. trials.Select((trial, i) => new Series(trial.Name, figures[i]))];
    }

    /// <summary>A row of a figure that should be small.</summary>
    public void Lower(string metric, string unit, Series ours, Series peer, double? target = null) =>
        _rows.Add(new(caseName, metric, unit, ours, peer, LowerIsBetter: true) { Target = target });

    /// <summary>A row of a figure that should be large.</summary>
    public void Higher(string metric, string unit, Series ours, Series peer, double? target = null) =>
        _rows.Add(new(caseName, metric, unit, ours, peer, LowerIsBetter: false) { Target = target });
}
