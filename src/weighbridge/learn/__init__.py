"""Learn: train weights by a recipe, start from somebody else's, and let anyone reproduce the result.

The nouns, in the order in which data flows:

- a *recipe* (``recipe/``) says everything that a training run depends on; a *lock* pins it;
- a *dataset* (``data/``) is read into *splits* of samples, as plain arrays, with their digests;
- a *network* (``networks/``) is built to fit the data, and gets its *starting weights* (``start/``);
- *training* (``training/``) changes what the recipe lets it change, and keeps a *record*;
- *evaluation* (``evaluation/``) measures a model on a split, and says whether it over- or underfits;
- *publishing* (``publish/``) makes the folder that people share, *reproduction* (``reproduce/``) repeats it.

Recipes and data need no torch; everything from networks on does. May import the store, checks, checkpoints, figures and
what is below; never a hub or a client: who calls passes in how ``org/model@revision`` becomes a folder.
"""
