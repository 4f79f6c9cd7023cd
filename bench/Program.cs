// `./run bench`: see README.md in this folder.
return await Purser.Bench.BenchCommand.RunAsync(args);
