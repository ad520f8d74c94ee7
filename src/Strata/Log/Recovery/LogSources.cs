namespace Strata;

/// <summary>The sources of a merge, and their owner.</summary>
internal sealed class LogSources : IDisposable
{
    private readonly List<LogCursor> _cursors = [];

    public int Count => _cursors.Count;

    public IReadOnlyList<LogCursor> Cursors => _cursors;

    public void Add(LogCursor cursor) => _cursors.Add(cursor);

    public void Dispose()
    {
        foreach (LogCursor cursor in _cursors) cursor.Dispose();
        _cursors.Clear();
    }
}
