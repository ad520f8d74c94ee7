using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Where files come from and go to: spares, new files, removal.</content>
internal sealed partial class ValueFiles
{
    /// <summary>So many files wait for their removal at most; who comes then removes one himself.</summary>
    private const int MostDoomed = 64;

    private readonly Queue<ValueFile> _doomed = [];
    private readonly Lock _removal = new();
    private Task _removing = Task.CompletedTask;
    private bool _isRemoving;
    private string? _lastError;

    /// <summary>Removes the spares, and what waits for its removal: a full disk needs their room for something else.</summary>
    /// <returns>False: there was nothing to give up.</returns>
    public bool GiveUpSpares()
    {
        var removed = new List<ValueFile>();
        bool isRemoving;
        lock (_gate)
        {
            isRemoving = _isRemoving;
            _spares.Clear(removed);
            foreach (ValueFile spare in removed) spare.Move(ValueFileState.Gone);
            removed.AddRange(_doomed);
            _doomed.Clear();
        }

        lock (_removal)
        {
            foreach (ValueFile file in removed) Delete(file);
        }

        return isRemoving || removed.Count > 0;
    }

    private ValueFile? TakeSpare(long? length)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (_spares.Take(length) is not { } spare) return null;
            spare.Move(ValueFileState.Writing);
            _files.Add(spare.Id, spare);
            return spare;
        }
    }

    private ValueFile CreateFile(long capacity)
    {
        ulong number;
        lock (_gate) number = NextNumber();
        string name = ValueFile.NameOf(number);
        ILogFile handle;
        try
        {
            handle = _disk.Create(name, capacity);
        }
        catch (IOException e) when (DiskErrors.IsFull(e) && GiveUpSpares())
        {
            handle = _disk.Create(name, capacity);
        }

        var file = new ValueFile(number, capacity, ValueFileState.Writing) { Change = _folder.Changed() };
        file.Opened(handle);
        lock (_gate)
        {
            _files.Add(file.Id, file);
            _allocated += capacity;
        }

        return file;
    }

    private ulong NextNumber() => ++_lastNumber < ValueFile.Numbers ? _lastNumber : throw new InvalidOperationException("All numbers of files are used up.");

    /// <summary>A file that nobody reads or writes becomes a spare, or goes. Under the lock.</summary>
    private void Recycle(ValueFile file, List<ValueFile> removed)
    {
        _files.Remove(file.Id);
        if (file.State == ValueFileState.Retired) _retired--;
        if (file.Idle is { } node)
        {
            _idle.Remove(node);
            file.Idle = null;
        }

        if (_isClosed || file.IsMissing || file.IsInDoubt || !file.HasAnotherLife)
        {
            file.Move(ValueFileState.Gone);
            removed.Add(file);
            return;
        }

        file.Move(ValueFileState.Spare);
        int before = removed.Count;
        _spares.Add(file, _inUse, removed);
        foreach (ValueFile spare in removed.Skip(before)) spare.Move(ValueFileState.Gone);
    }

    /// <summary>Removes files in the background, since the system takes its time to free their blocks.</summary>
    private void Remove(List<ValueFile> files)
    {
        foreach (ValueFile file in files)
        {
            bool isTooMany;
            lock (_gate)
            {
                isTooMany = _isClosed || _doomed.Count >= MostDoomed;
                if (!isTooMany)
                {
                    _doomed.Enqueue(file);
                    if (!_isRemoving) _removing = Task.Run(RemoveDoomed);
                    _isRemoving = true;
                }
            }

            if (isTooMany) RemoveNow(file);
        }
    }

    private void RemoveDoomed()
    {
        while (true)
        {
            // Held so that whoever needs the room waits for a removal that is under way.
            lock (_removal)
            {
                ValueFile? file;
                lock (_gate)
                {
                    if (!_doomed.TryDequeue(out file))
                    {
                        _isRemoving = false;
                        return;
                    }
                }

                Delete(file);
            }
        }
    }

    private void RemoveNow(ValueFile file)
    {
        lock (_removal) Delete(file);
    }

    private void Delete(ValueFile file)
    {
        try
        {
            file.Close();
            if (!file.IsMissing) _disk.Delete(file.Name);
            lock (_gate)
            {
                _allocated -= file.Capacity;
                _lastError = null;
            }
        }
        catch (Exception e)
        {
            _log.LogWarning(e, "Cannot remove the file {Name} of store '{Store}'; it is removed when the store is opened next", file.Name, _options.Name);
            lock (_gate) _lastError = $"Cannot remove {file.Name}: {e.Message}";
        }
    }
}
